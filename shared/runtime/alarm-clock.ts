/** Rings at deadlines, however many there are, with one timer. */
export interface AlarmClock {
  /** Calls `ring` once, this many milliseconds from now. Returns what cancels that; it does nothing afterwards. */
  ringIn(milliseconds: number, ring: () => void): () => void;
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
      // On its own, so that one that throws keeps no other from ringing; until then another may still cancel it.
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
