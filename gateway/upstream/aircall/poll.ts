import type { Clock } from "../../clock.ts";
import type { Delay } from "../../delay.ts";
import type { HealthTracker } from "../health-tracker.ts";
import type { PollLease } from "../poll-lease.ts";
import type { RequestBudget } from "../request-budget.ts";
import type { ListReader } from "./list.ts";

export interface PollOptions {
  readonly list: ListReader;
  readonly budget: RequestBudget;
  readonly lease: PollLease;
  readonly healthTracker: HealthTracker;
  readonly clock: Clock;
  readonly wait: Delay;
}

/** The longest pause between two attempts at an upstream that fails, in milliseconds, where its polls are not further apart anyway. */
const MAX_DELAY_MS = 15_000;

/** Polls until the signal aborts: one page at a time, evenly, as fast as the budget lasts. */
export async function poll(options: PollOptions, signal: AbortSignal): Promise<void> {
  const { clock, wait, budget, healthTracker } = options;
  while (!signal.aborted) {
    const begunMs = clock.monotonicMs();
    await pollOnce(options, signal);
    const pauseMs = delayAfter(healthTracker.failureCount(), budget.pollIntervalMs);
    const leftMs = Math.max(begunMs + pauseMs - clock.monotonicMs(), budget.blockedMs());
    // Aborted, that is how it ends.
    await wait(Math.max(0, leftMs), signal).catch(() => {});
  }
}

async function pollOnce(
  { list, budget, lease, healthTracker, clock }: PollOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (!(await lease.acquire())) {
      list.restart();
      if (await lease.isConfirmed()) healthTracker.recordSuccess(clock.monotonicMs());
      else healthTracker.markStale();
      return;
    }
    if (!(await budget.acquire("poll"))) return;
    const currentSinceMs = await list.readNextPage(signal);
    if (currentSinceMs === undefined) healthTracker.recordHeartbeat();
    else healthTracker.recordSuccess(currentSinceMs);
    if (healthTracker.health().staleSinceMs === undefined) await lease.confirm();
  } catch (error) {
    if (signal.aborted) return;
    list.restart();
    healthTracker.recordFailure(error);
    // The store has no other failure to tell than the one that has just been told.
    await lease.release(budget.blockedMs()).catch(() => {});
  }
}

function delayAfter(failures: number, intervalMs: number): number {
  if (failures === 0) return intervalMs;
  return Math.max(intervalMs, Math.min(MAX_DELAY_MS, intervalMs * 2 ** (failures - 1)));
}
