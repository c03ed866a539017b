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

/** Maximum delay after a failure, in milliseconds, unless the polls are further apart anyway. */
const MAX_DELAY_MS = 15_000;

/** Polls until the signal aborts: page by page, at even intervals, as fast as the budget allows. */
export async function poll(options: PollOptions, signal: AbortSignal): Promise<void> {
  const { clock, wait, budget, healthTracker } = options;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    await pollOnce(options, signal);
    const delayMs = delayAfter(healthTracker.failureCount(), budget.pollIntervalMs);
    const remainingMs = Math.max(startedMs + delayMs - clock.monotonicMs(), budget.blockedMs());
    // An aborted wait ends the loop.
    await wait(Math.max(0, remainingMs), signal).catch(() => {});
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
    const currentSinceMs = await list.readNext(signal);
    if (currentSinceMs === undefined) healthTracker.recordHeartbeat();
    else healthTracker.recordSuccess(currentSinceMs);
    if (healthTracker.health().staleSinceMs === undefined) await lease.confirm();
  } catch (error) {
    if (signal.aborted) return;
    list.restart();
    healthTracker.recordFailure(error);
    // A failure of the store has been reported already.
    await lease.release(budget.blockedMs()).catch(() => {});
  }
}

function delayAfter(failures: number, intervalMs: number): number {
  if (failures === 0) return intervalMs;
  return Math.max(intervalMs, Math.min(MAX_DELAY_MS, intervalMs * 2 ** (failures - 1)));
}
