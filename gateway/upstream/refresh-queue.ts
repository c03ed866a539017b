import type { Delay } from "../delay.ts";
import type { RequestBudget } from "./request-budget.ts";
import { RateBudgetError } from "./upstream.ts";

/** Agents who are to be read anew, each of them once for all who have asked before the read began. */
export interface RefreshQueue {
  /** Resolves when the agent has been read. @throws {RateBudgetError} where too many agents wait already. */
  refresh(userId: number): Promise<void>;
  /** These agents have been read otherwise, by a read that began then. */
  markRefreshed(userIds: Iterable<number>, begun: number): void;
  /** Resolves when nothing is under way. */
  whenIdle(): Promise<void>;
}

export interface RefreshQueueOptions {
  readonly read: (userId: number) => Promise<void>;
  /** Names this moment, so that it can be compared with when reads began. */
  readonly now: () => number;
  readonly budget: RequestBudget;
  readonly wait: Delay;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

interface Pending {
  readonly requestedAt: number;
  readonly promise: Promise<void>;
  readonly settle: (outcome: Promise<void> | undefined) => void;
}

/** How many agents may wait. A poll of the whole list is long faster by then. */
const MAX_PENDING = 10_000;

/** The budget may be given back by another gateway, of which nothing tells: how often to look, in milliseconds. */
const BUDGET_CHECK_MS = 1_000;

export function createRefreshQueue({ read, now, budget, wait, signal }: RefreshQueueOptions): RefreshQueue {
  const pending = new Map<number, Pending>();
  let draining: Promise<void> | undefined;

  async function readNext(): Promise<void> {
    const [next] = pending;
    // A poll has been faster.
    if (!next) return;
    const [userId, { settle }] = next;
    // Before the read begins: who asks from now on may know of something later.
    pending.delete(userId);
    const outcome = read(userId);
    settle(outcome);
    await outcome.catch(() => {
      // Whoever has asked is told.
    });
  }

  async function drain(): Promise<void> {
    while (pending.size > 0) {
      signal.throwIfAborted();
      if (await budget.acquire("refresh")) await readNext();
      else await wait(Math.max(BUDGET_CHECK_MS, budget.blockedMs()), signal);
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
        // Who has asked between the last look and this moment.
        if (pending.size > 0) start();
      });
  }

  function add(userId: number): Pending {
    const entry = createPending(now());
    pending.set(userId, entry);
    return entry;
  }

  return {
    async refresh(userId) {
      signal.throwIfAborted();
      if (!pending.has(userId) && pending.size >= MAX_PENDING) {
        throw new RateBudgetError(budget.retryAfterSeconds("refresh"));
      }
      const { promise } = pending.get(userId) ?? add(userId);
      start();
      return promise;
    },
    markRefreshed(userIds, begun) {
      for (const userId of userIds) {
        const entry = pending.get(userId);
        if (!entry || entry.requestedAt > begun) continue;
        pending.delete(userId);
        entry.settle(undefined);
      }
    },
    async whenIdle() {
      await draining;
    },
  };
}

function createPending(requestedAt: number): Pending {
  let settle: Pending["settle"] = () => {};
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { requestedAt, promise, settle };
}
