import type { Clock } from "../clock.ts";
import type { Delay } from "../delay.ts";
import { StoreUnavailableError } from "../store/availability-store.ts";
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
  /**
   * Returns when the last recorded read of an agent by any gateway began, at the earliest, in milliseconds on the clock;
   * `-Infinity` if no read is known.
   *
   * @throws {StoreUnavailableError}
   */
  readonly lastReadMs: (userId: number) => Promise<number>;
  readonly clock: Clock;
  readonly budget: RequestBudget;
  readonly wait: Delay;
  /** Aborts reads and waiting requests. */
  readonly signal: AbortSignal;
}

interface Pending {
  /** Number of other reads started before the latest request: none of them covers it. */
  readsBefore: number;
  /** Time of the latest request, in milliseconds on the clock. */
  requestedMs: number;
  readonly promise: Promise<void>;
  readonly settle: (outcome: Promise<void> | undefined) => void;
}

/** Maximum number of waiting agents. With more, a poll of the whole list is much faster. */
const MAX_PENDING = 10_000;

/**
 * Time of waiting after which to ask the store for reads of other gateways, in milliseconds. After less, none is likely to
 * be recorded.
 */
const MIN_AGE_MS = 1_000;

/** Shortest wait for the budget, in milliseconds: another gateway may have been faster. */
const MIN_WAIT_MS = 10;

export function createRefreshQueue(options: RefreshQueueOptions): RefreshQueue {
  const { read, lastReadMs, clock, budget, wait, signal } = options;
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

  /** Resolves the requests of the first agent if another gateway has read the agent since. Resolves with true if so. */
  async function resolveNext(): Promise<boolean> {
    const [next] = pending;
    if (!next) return false;
    const [userId, entry] = next;
    if (clock.monotonicMs() - entry.requestedMs < MIN_AGE_MS) return false;
    const readMs = await lastReadMs(userId).catch(ignoreUnavailable);
    // Meanwhile the agent may have been requested again, or a poll may have read the agent.
    if (readMs <= entry.requestedMs || pending.get(userId) !== entry) return false;
    pending.delete(userId);
    entry.settle(undefined);
    return true;
  }

  async function drain(): Promise<void> {
    while (pending.size > 0) {
      signal.throwIfAborted();
      if (await resolveNext()) continue;
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
      entry.requestedMs = clock.monotonicMs();
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
  return { readsBefore: 0, requestedMs: -Infinity, promise, settle };
}

/** Returns `-Infinity`: no read is known. */
function ignoreUnavailable(error: unknown): number {
  if (error instanceof StoreUnavailableError) return -Infinity;
  throw error;
}
