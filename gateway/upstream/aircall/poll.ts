import type { Clock } from "../../clock.ts";
import type { Delay } from "../../delay.ts";
import { type CustomerStore, StoreUnavailableError } from "../../store/availability-store.ts";
import type { HealthTracker } from "../health-tracker.ts";
import type { PollLease } from "../poll-lease.ts";
import type { RequestBudget } from "../request-budget.ts";
import type { ListReader } from "./list.ts";

export interface PollOptions {
  readonly list: ListReader;
  readonly budget: RequestBudget;
  readonly lease: PollLease;
  readonly healthTracker: HealthTracker;
  readonly store: Pick<CustomerStore, "loadListState" | "recordListFailure">;
  readonly clock: Clock;
  readonly wait: Delay;
  /** Called at each turn, with true if this gateway polls, and false if another one does. */
  readonly onTurn: (isPolling: boolean) => void;
}

/** Maximum delay after a failure, in milliseconds, unless the polls are further apart anyway. */
const MAX_DELAY_MS = 15_000;

/** Polls until the signal aborts: page by page, at even intervals, as fast as the budget allows. */
export async function poll(options: PollOptions, signal: AbortSignal): Promise<void> {
  const { clock, wait, budget, healthTracker } = options;
  const turn = createTurn(options);
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    await turn(signal);
    const delayMs = delayAfter(healthTracker.failureCount(), budget.pollIntervalMs);
    const remainingMs = Math.max(startedMs + delayMs - clock.monotonicMs(), budget.blockedMs());
    // An aborted wait ends the loop.
    await wait(Math.max(0, remainingMs), signal).catch(() => {});
  }
}

/** Creates a turn of the poll: a read if this gateway has the lease, otherwise a look at the reads of other gateways. */
function createTurn({ list, budget, lease, healthTracker, store, onTurn }: PollOptions) {
  /** True while this gateway knows the reads of all gateways, because it alone reads. */
  let isPolling = false;

  async function follow(): Promise<void> {
    isPolling = false;
    try {
      healthTracker.adopt(await store.loadListState());
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      healthTracker.markStale();
    }
  }

  async function readNext(signal: AbortSignal): Promise<void> {
    if (!isPolling) {
      healthTracker.adopt(await store.loadListState());
      list.resumeAt(healthTracker.oldestPage());
      isPolling = true;
    }
    if (await budget.acquire("poll")) await list.readNext(signal);
  }

  async function handleFailure(error: unknown): Promise<void> {
    list.handleFailure();
    healthTracker.recordFailure(error);
    // A failure of the store has been reported already.
    await store.recordListFailure().catch(() => {});
    await lease.release(budget.blockedMs()).catch(() => {});
  }

  return async function takeTurn(signal: AbortSignal): Promise<void> {
    try {
      const isHolder = await lease.acquire();
      onTurn(isHolder);
      if (isHolder) await readNext(signal);
      else await follow();
    } catch (error) {
      if (!signal.aborted) await handleFailure(error);
    }
  };
}

function delayAfter(failures: number, intervalMs: number): number {
  if (failures === 0) return intervalMs;
  return Math.max(intervalMs, Math.min(MAX_DELAY_MS, intervalMs * 2 ** (failures - 1)));
}
