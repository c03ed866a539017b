import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Delay } from "../delay.ts";

/** A time of a test's own, which passes only where nothing else is left to happen. */
export interface TestTime {
  readonly clock: Clock;
  readonly wait: Delay;
  nowMs(): number;
  /** The same function, whose calls are things that happen. */
  count<Arguments extends unknown[], Value>(
    call: (...given: Arguments) => Promise<Value>,
  ): (...given: Arguments) => Promise<Value>;
  /** Lets time pass from one wait's end to the next until this is true. Rejects where it would never be, or not for an hour. */
  until(condition: () => boolean): Promise<void>;
  /** Lets this much time pass. */
  elapse(milliseconds: number): Promise<void>;
}

interface Waiting {
  readonly atMs: number;
  readonly end: () => void;
}

const HOUR_MS = 3_600_000;

/** How often the event loop turns before it is taken for certain that nothing is under way that nobody counts, as reading a body. */
const IDLE_TURNS = 5;

export function createTestTime(): TestTime {
  let nowMs = 0;
  let calls = 0;
  const waiting = new Set<Waiting>();

  function add(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => finish(() => reject(signal?.reason));
      const entry = { atMs: nowMs + milliseconds, end: () => finish(resolve) };
      const finish = (settle: () => void): void => {
        waiting.delete(entry);
        signal?.removeEventListener("abort", stop);
        settle();
      };
      waiting.add(entry);
      if (signal?.aborted) stop();
      else signal?.addEventListener("abort", stop);
    });
  }

  async function settle(): Promise<void> {
    for (let idle = 0; idle < IDLE_TURNS; idle += 1) {
      await turn();
      if (calls > 0) idle = -1;
    }
  }

  async function until(condition: () => boolean): Promise<void> {
    const lastMs = nowMs + HOUR_MS;
    for (;;) {
      await settle();
      if (condition()) return;
      const [next] = [...waiting].sort((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > lastMs) throw new Error("What the test waits for does not happen");
      nowMs = Math.max(nowMs, next.atMs);
      next.end();
    }
  }

  return {
    clock: { wallMs: () => 1_000_000 + Math.floor(nowMs), monotonicMs: () => nowMs },
    wait: add,
    nowMs: () => nowMs,
    count:
      (call) =>
      async (...given) => {
        calls += 1;
        try {
          return await call(...given);
        } finally {
          calls -= 1;
        }
      },
    until,
    async elapse(milliseconds) {
      let isOver = false;
      void add(milliseconds).then(() => {
        isOver = true;
      });
      await until(() => isOver);
    },
  };
}
