import type { Delay } from "../delay.ts";
import { type RequestBudget, toRateBudgetError } from "./request-budget.ts";

/** Queue of agents to read again. Requests made before the start of a read share the read. */
export interface RefreshQueue {
  /** Resolves when the agent has been read. @throws {RateBudgetError} if too many agents are waiting. */
  refresh(userId: number): Promise<void>;
  /**
   * Call it when a different read starts. Returns the function that resolves the requests of the agents that the read has
   * covered, unless an agent was requested again after this start.
   */
  startOtherRead(): (userIds: Iterable<number>) => void;
  /** Resolves when no read is in progress. */
  whenIdle(): Promise<void>;
}

export interface RefreshQueueOptions {
  readonly read: (userId: number) => Promise<void>;
  readonly budget: RequestBudget;
  readonly wait: Delay;
  /** Aborts reads and waiting requests. */
  readonly signal: AbortSignal;
}

interface Pending {
  /** Number of other reads started before the latest request: none of them covers it. */
  readsBefore: number;
  readonly promise: Promise<void>;
  readonly settle: (outcome: Promise<void> | undefined) => void;
}

/** Maximum number of waiting agents. With more, a poll of the whole list is much faster. */
const MAX_PENDING = 10_000;

/** Shortest wait for the budget, in milliseconds: another gateway may have been faster. */
const MIN_WAIT_MS = 10;

export function createRefreshQueue({ read, budget, wait, signal }: RefreshQueueOptions): RefreshQueue {
  const pending = new Map<number, Pending>();
  let draining: Promise<void> | undefined;
  /** Number of other reads started. */
  let otherReads = 0;

  async function readNext(): Promise<void> {
    const [next] = pending;
    // A poll has already read the agent.
    if (!next) return;
    const [userId, { settle }] = next;
    // Delete before the read: a later request may be about a later change.
    pending.delete(userId);
    const outcome = read(userId);
    settle(outcome);
    await outcome.catch(() => {
      // The requests waiting for the read get the error.
    });
  }

  async function drain(): Promise<void> {
    while (pending.size > 0) {
      signal.throwIfAborted();
      if (await budget.acquire("refresh")) await readNext();
      else await wait(Math.max(MIN_WAIT_MS, budget.waitMs("refresh")), signal);
    }
  }

  function start(): void {
    draining ??= drain()
      .catch((error: unknown) => {
        for (const { settle } of pending.values()) settle(Promise.reject(error));
        pending.clear();
      })
      .finally(() => {
        draining = undefined;
        // Requests made since the last check.
        if (pending.size > 0) start();
      });
  }

  function add(userId: number): Pending {
    const entry = createPending();
    pending.set(userId, entry);
    return entry;
  }

  return {
    async refresh(userId) {
      signal.throwIfAborted();
      if (!pending.has(userId) && pending.size >= MAX_PENDING) {
        throw toRateBudgetError(budget, "refresh");
      }
      const entry = pending.get(userId) ?? add(userId);
      entry.readsBefore = otherReads;
      start();
      return entry.promise;
    },
    startOtherRead() {
      otherReads += 1;
      const started = otherReads;
      return (userIds) => {
        for (const userId of userIds) {
          const entry = pending.get(userId);
          if (!entry || entry.readsBefore >= started) continue;
          pending.delete(userId);
          entry.settle(undefined);
        }
      };
    },
    async whenIdle() {
      await draining;
    },
  };
}

function createPending(): Pending {
  let settle: Pending["settle"] = () => {};
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { readsBefore: 0, promise, settle };
}
