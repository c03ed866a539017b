import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Delay } from "../delay.ts";

/** A clock of a test, which advances only when no work is left to do. */
export interface TestTime {
  readonly clock: Clock;
  readonly wait: Delay;
  nowMs(): number;
  /** The same function, whose calls count as work in progress. */
  count<Arguments extends unknown[], Value>(
    call: (...given: Arguments) => Promise<Value>,
  ): (...given: Arguments) => Promise<Value>;
  /**
   * Advances the clock from one timer to the next until the condition is true. Rejects if the condition stays false for
   * an hour.
   */
  until(condition: () => boolean): Promise<void>;
  /** Advances the clock by the given time. */
  elapse(milliseconds: number): Promise<void>;
}

interface Waiting {
  readonly atMs: number;
  readonly end: () => void;
}

const HOUR_MS = 3_600_000;

/**
 * Number of event loop turns without counted work after which uncounted work, such as reading a body, is assumed to
 * have ended.
 */
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
