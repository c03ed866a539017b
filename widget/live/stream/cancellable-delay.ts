import type { TimerQueue } from "../../../shared/runtime/timer-queue.ts";

/** A delay that can end early. */
export interface CancellableDelay {
  /** Resolves after the given milliseconds, or on `cancel`. */
  wait(milliseconds: number): Promise<void>;
  cancel(): void;
}

/** Creates a delay that has not started. */
export function createCancellableDelay(schedule: TimerQueue["schedule"]): CancellableDelay {
  let cancel = (): void => {};
  return {
    wait: (milliseconds) =>
      new Promise((resolve) => {
        const cancelTimer = schedule(milliseconds, resolve);
        cancel = () => {
          cancelTimer();
          resolve();
        };
      }),
    cancel: () => cancel(),
  };
}
