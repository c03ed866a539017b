import type { Deadline } from "./deadline.ts";

/** Something that is to happen at a deadline, unless it is cancelled before. */
export interface Alarm extends Deadline {
  /** Cancels the alarm. Does nothing where it has rung. */
  cancel(): void;
}

/** Rings at deadlines, however many there are, with one timer. */
export interface AlarmClock {
  /** Calls `ring` once, this many milliseconds from now, unless the alarm is cancelled before. */
  ringIn(milliseconds: number, ring: () => void): Alarm;
  /** Cancels every alarm and the timer. */
  stop(): void;
}

/**
 * Creates a clock for alarms that hardly ever ring, such as the deadlines of requests.
 *
 * Setting and clearing a browser's timer costs more than all other work on a request. Here a timer is set only for an
 * alarm that is earlier than the one it is set for, and a cancelled alarm leaves it as it is: requests that come and go
 * set one timer in all their lifetime, which finds nothing to do when it fires.
 */
export function createAlarmClock(): AlarmClock {
  const alarms = new Map<Alarm, { readonly at: number; readonly ring: () => void }>();
  let timer: TimerHandle | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  function setTimerAt(at: number): void {
    if (at >= timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(wake, Math.ceil(at - performance.now()));
  }

  function wake(): void {
    timerAt = Number.POSITIVE_INFINITY;
    for (const [alarm, { at, ring }] of Array.from(alarms)) {
      // An alarm that has rung before it in this loop may have cancelled it.
      if (!alarms.has(alarm)) continue;
      if (at > performance.now()) setTimerAt(at);
      else {
        alarms.delete(alarm);
        ring();
      }
    }
  }

  return {
    ringIn(milliseconds, ring) {
      const at = performance.now() + milliseconds;
      const alarm: Alarm = {
        remainingMs: () => Math.max(0, at - performance.now()),
        cancel: () => void alarms.delete(alarm),
      };
      alarms.set(alarm, { at, ring });
      setTimerAt(at);
      return alarm;
    },
    stop() {
      alarms.clear();
      clearTimeout(timer);
      timerAt = Number.POSITIVE_INFINITY;
    },
  };
}
