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
  readonly standing: HealthTracker;
  readonly clock: Clock;
  readonly wait: Delay;
}

/** The longest pause between two attempts at an upstream that fails, in milliseconds, where its polls are not further apart anyway. */
const LONGEST_PAUSE_MS = 15_000;

/** Polls until the signal aborts: one page at a time, evenly, as fast as the budget lasts. */
export async function poll(options: PollOptions, signal: AbortSignal): Promise<void> {
  const { clock, wait, budget, standing } = options;
  while (!signal.aborted) {
    const begunMs = clock.monotonicMs();
    await takeTurn(options, signal);
    const pauseMs = pauseAfter(standing.failures(), budget.pollIntervalMs);
    const leftMs = Math.max(begunMs + pauseMs - clock.monotonicMs(), budget.blockedMs());
    // Aborted, that is how it ends.
    await wait(Math.max(0, leftMs), signal).catch(() => {});
  }
}

async function takeTurn({ list, budget, lease, standing, clock }: PollOptions, signal: AbortSignal): Promise<void> {
  try {
    if (!(await lease.take())) {
      list.restart();
      if (await lease.isConfirmed()) standing.succeed(clock.monotonicMs());
      else standing.lag();
      return;
    }
    if (!(await budget.take("poll"))) return;
    const currentSinceMs = await list.next(signal);
    if (currentSinceMs === undefined) standing.hear();
    else standing.succeed(currentSinceMs);
    if (standing.health().staleSinceMs === undefined) await lease.confirm();
  } catch (error) {
    if (signal.aborted) return;
    list.restart();
    standing.fail(error);
    // The store has no other failure to tell than the one that has just been told.
    await lease.giveUp(budget.blockedMs()).catch(() => {});
  }
}

function pauseAfter(failures: number, intervalMs: number): number {
  if (failures === 0) return intervalMs;
  return Math.max(intervalMs, Math.min(LONGEST_PAUSE_MS, intervalMs * 2 ** (failures - 1)));
}
