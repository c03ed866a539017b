/** Schedules any number of callbacks with one timer. */
export interface TimerQueue {
  /** Calls `ring` once after this many milliseconds. Returns a function that cancels the call; a late cancel does nothing. */
  schedule(milliseconds: number, callback: () => void): () => void;
  /** Cancels every callback and the timer. */
  clear(): void;
}

/**
 * Creates a clock for callbacks that are nearly always cancelled, such as the timeouts of requests.
 *
 * Setting and clearing a browser's timer costs more than all other work on a request. The clock sets a timer only for a
 * callback that is due earlier than the current timer, and a cancel leaves the timer alone: a series of requests sets one
 * timer, which finds no callback due when the timer fires.
 */
export function createTimerQueue(): TimerQueue {
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  let timer: TimerHandle | undefined;
  let timerAt = Infinity;

  function setTimerAt(at: number): void {
    if (at >= timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(runDue, Math.ceil(at - performance.now()));
  }

  function runDue(): void {
    timerAt = Infinity;
    for (const entry of timers) {
      if (entry.at > performance.now()) setTimerAt(entry.at);
      // In a microtask of its own, so that an error in one callback does not stop the others. Another may still cancel the callback.
      else queueMicrotask(() => timers.delete(entry) && entry.callback());
    }
  }

  return {
    schedule(milliseconds, callback) {
      const at = performance.now() + milliseconds;
      const entry = { at, callback };
      timers.add(entry);
      setTimerAt(at);
      return () => timers.delete(entry);
    },
    clear() {
      timers.clear();
      clearTimeout(timer);
      timerAt = Infinity;
    },
  };
}
