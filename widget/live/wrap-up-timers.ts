import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";

/** Timers for the ends of wrap-up times. */
export interface WrapUpTimers {
  /**
   * Calls back once after `remainingMs` milliseconds, and replaces the user's earlier timer. Zero or less sets no
   * timer.
   */
  set(userId: number, remainingMs: number): void;
  /** Cancels a user's timer. */
  cancel(userId: number): void;
}

/** Browsers fire a longer timer at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Creates timers that call `onExpired` once per wrap-up time. All of them share one browser timer. */
export function createWrapUpTimers(
  schedule: TimerQueue["schedule"],
  onExpired: (userId: number) => void,
): WrapUpTimers {
  const cancellations = new Map<number, () => void>();

  function cancel(userId: number): void {
    cancellations.get(userId)?.();
    cancellations.delete(userId);
  }

  return {
    set(userId, remainingMs) {
      cancel(userId);
      // A wrap-up time above 24 days: the user is fetched for another reason before the end.
      if (remainingMs <= 0 || remainingMs > MAX_TIMER_MS) return;
      cancellations.set(
        userId,
        schedule(remainingMs, () => onExpired(userId)),
      );
    },
    cancel,
  };
}
