import type { AlarmClock } from "../../shared/runtime/alarm-clock.ts";

/** Tells when wrap-up times have run down. */
export interface WrapUpClock {
  /** Tells once, this many milliseconds from now, that a user's has run down. Nothing that was said of the user before counts. */
  set(userId: number, leftMs: number): void;
  /** Tells nothing of a user. */
  cancel(userId: number): void;
}

/** Longer timers ring at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Creates a clock that rings once for each wrap-up time that has been set, and has one timer for all of them. */
export function createWrapUpClock(ringIn: AlarmClock["ringIn"], onRunDown: (userId: number) => void): WrapUpClock {
  const cancellations = new Map<number, () => void>();

  function cancel(userId: number): void {
    cancellations.get(userId)?.();
    cancellations.delete(userId);
  }

  return {
    set(userId, leftMs) {
      cancel(userId);
      // Whoever wraps up for longer than 24 days is read again for another reason by then.
      if (leftMs <= 0 || leftMs > LONGEST_MS) return;
      const ring = (): void => {
        cancellations.delete(userId);
        onRunDown(userId);
      };
      cancellations.set(userId, ringIn(leftMs, ring));
    },
    cancel,
  };
}
