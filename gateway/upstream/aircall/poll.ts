import type { Clock } from "../../clock.ts";
import type { Delay } from "../../delay.ts";
import type { CustomerStore } from "../../store/availability-store.ts";
import { toFailureText } from "../failure-text.ts";
import type { HealthTracker } from "../health-tracker.ts";
import type { PollAssignment } from "../poll-assignments.ts";
import type { PollLease } from "../poll-lease.ts";
import type { RequestBudget } from "../request-budget.ts";
import type { ListReader } from "./list.ts";

export interface PollOptions {
  readonly assignment: PollAssignment;
  readonly list: ListReader;
  readonly budget: RequestBudget;
  readonly lease: PollLease;
  readonly healthTracker: HealthTracker;
  readonly store: Pick<CustomerStore, "loadListState" | "recordListFailure">;
  readonly clock: Clock;
  readonly wait: Delay;
  /** Random number from 0 to 1. */
  readonly random: () => number;
  /** Called at each turn, with true if the gateway polls, and with false when it no longer does. */
  readonly onTurn: (isPolling: boolean) => void;
}

/** Poll of a customer's list, which one of the gateways has. */
export interface Poll {
  /** Polls while the gateway is assigned, page by page, as fast as the budget allows, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** True while the gateway knows the reads of all gateways, because it alone reads. */
  isReading(): boolean;
}

/** Maximum delay after a failure, in milliseconds, unless the polls are further apart anyway. */
const MAX_DELAY_MS = 15_000;

/** Fraction by which the interval of two polls is shorter or longer, so that the polls of many customers stay apart. */
const JITTER = 0.1;

export function createPoll(options: PollOptions): Poll {
  const { assignment, budget, healthTracker, clock, wait, random } = options;
  const { takeTurn, end, isReading } = createTurns(options);

  /** Returns the time from the start of a turn to the next turn, in milliseconds. */
  function toDelayMs(isFirst: boolean): number {
    const failures = healthTracker.failureCount();
    if (failures > 0) return toBackoffMs(failures, budget.pollIntervalMs, random());
    // A random phase: many customers are assigned at once.
    if (isFirst) return budget.pollIntervalMs * random();
    return budget.pollIntervalMs * (1 - JITTER + 2 * JITTER * random());
  }

  async function pollWhileAssigned(signal: AbortSignal): Promise<void> {
    for (let isFirst = true; assignment.isAssigned() && !signal.aborted; isFirst = false) {
      const startedMs = clock.monotonicMs();
      const isDenied = await takeTurn(signal);
      const deniedMs = isDenied ? budget.waitMs("poll") : 0;
      const nextMs = deniedMs > 0 ? clock.monotonicMs() + deniedMs : startedMs + toDelayMs(isFirst);
      const remainingMs = Math.max(nextMs - clock.monotonicMs(), budget.blockedMs());
      // An aborted wait ends the loop.
      await wait(Math.max(0, remainingMs), signal).catch(() => {});
    }
    await end();
  }

  async function waitForStart(signal: AbortSignal): Promise<void> {
    const delayMs = assignment.startDelayMs();
    if (delayMs > 0) await wait(delayMs, signal);
  }

  return {
    isReading,
    async run(signal) {
      while (!signal.aborted) {
        // An aborted wait ends the loop.
        await assignment.whenAssigned(signal).catch(() => {});
        await waitForStart(signal).catch(() => {});
        await pollWhileAssigned(signal);
      }
    },
  };
}

/** Creates the turns of the poll: a read, if the gateway has the lease. */
function createTurns({ assignment, list, budget, lease, healthTracker, store, onTurn }: PollOptions) {
  let isReading = false;
  let hasLease = false;

  /** Reads the next page. Resolves with true if the budget denies the read. */
  async function readNext(signal: AbortSignal): Promise<boolean> {
    if (!isReading) {
      healthTracker.adopt(await store.loadListState());
      list.resumeAt(healthTracker.oldestPage());
      isReading = true;
    }
    const readAt = await budget.acquireRead("poll");
    if (readAt === undefined) return true;
    await list.readNext(readAt, signal);
    return false;
  }

  async function handleFailure(error: unknown): Promise<void> {
    list.handleFailure();
    healthTracker.recordFailure(error);
    // A failure of the store has been reported already.
    const failures = await store.recordListFailure(toFailureText(error)).catch(() => undefined);
    if (failures) assignment.adoptMoves(failures.moves);
  }

  return {
    isReading: () => isReading,
    /** Ends the turns: another gateway may poll. */
    async end(): Promise<void> {
      isReading = false;
      if (hasLease) await lease.release();
      hasLease = false;
      onTurn(false);
    },
    async takeTurn(signal: AbortSignal): Promise<boolean> {
      try {
        hasLease = await lease.acquire();
        onTurn(hasLease);
        if (hasLease) return await readNext(signal);
        // The gateway that had the poll before, or that counts as dead, may still be reading.
        isReading = false;
        return false;
      } catch (error) {
        if (!signal.aborted) await handleFailure(error);
        return false;
      }
    },
  };
}

/** Returns the delay after a failure. Half of it is random, so that the retries of many customers stay apart. */
function toBackoffMs(failures: number, intervalMs: number, random: number): number {
  const delayMs = Math.max(intervalMs, Math.min(MAX_DELAY_MS, intervalMs * 2 ** (failures - 1)));
  return Math.max(intervalMs * (1 - JITTER), delayMs * (0.5 + 0.5 * random));
}
