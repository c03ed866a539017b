/** Schedules any number of callbacks with one timer. */
export interface AlarmClock {
  /** Calls `ring` once after this many milliseconds. Returns a function that cancels the call; a late cancel does nothing. */
  ringIn(milliseconds: number, ring: () => void): () => void;
  /** Cancels every callback and the timer. */
  stop(): void;
}

/**
 * Creates a clock for callbacks that are nearly always cancelled, such as the timeouts of requests.
 *
 * Setting and clearing a browser's timer costs more than all other work on a request. The clock sets a timer only for a
 * callback that is due earlier than the current timer, and a cancel leaves the timer alone: a series of requests sets one
 * timer, which finds no callback due when the timer fires.
 */
export function createAlarmClock(): AlarmClock {
  const alarms = new Set<{ readonly at: number; readonly ring: () => void }>();
  let timer: TimerHandle | undefined;
  let timerAt = Infinity;

  function setTimerAt(at: number): void {
    if (at >= timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(wake, Math.ceil(at - performance.now()));
  }

  function wake(): void {
    timerAt = Infinity;
    for (const alarm of alarms) {
      if (alarm.at > performance.now()) setTimerAt(alarm.at);
      // In a microtask of its own, so that an error in one callback does not stop the others. Another may still cancel the callback.
      else queueMicrotask(() => alarms.delete(alarm) && alarm.ring());
    }
  }

  return {
    ringIn(milliseconds, ring) {
      const alarm = { at: performance.now() + milliseconds, ring };
      alarms.add(alarm);
      setTimerAt(alarm.at);
      return () => void alarms.delete(alarm);
    },
    stop() {
      alarms.clear();
      clearTimeout(timer);
      timerAt = Infinity;
    },
  };
}
