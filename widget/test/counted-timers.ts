/** A timer queue for tests that leave no callback behind. The queue's own browser timer outlives cancelled callbacks. */
import { createTimerQueue, type TimerQueue } from "../../shared/runtime/timer-queue.ts";

export interface CountedTimers extends Pick<TimerQueue, "schedule"> {
  /** Number of callbacks that were neither called nor cancelled. */
  count(): number;
}

/** Creates a queue without callbacks. */
export function createCountedTimers(): CountedTimers {
  const { schedule } = createTimerQueue();
  const pending = new Set<symbol>();
  return {
    count: () => pending.size,
    schedule(milliseconds, callback) {
      const id = Symbol("callback");
      pending.add(id);
      const cancel = schedule(milliseconds, () => {
        pending.delete(id);
        callback();
      });
      return () => {
        pending.delete(id);
        cancel();
      };
    },
  };
}
