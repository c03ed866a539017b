/** Clock and timers of the tabs. */
export interface TabClock {
  /** Monotonic time for measurements, in milliseconds. */
  now(): number;
  /** Milliseconds since 1970, equal in all tabs of a browser. */
  epochMs(): number;
  /**
   * Runs a task after a delay. The task receives the timer's lateness in milliseconds. @returns the function to cancel
   * the timer.
   */
  setTimer(delayMs: number, task: (lateMs: number) => void): () => void;
}

/** The browser's clock. Timers of a hidden tab may run up to a minute late. */
export const browserClock: TabClock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  setTimer(delayMs, task) {
    const dueAt = performance.now() + delayMs;
    const timer = setTimeout(() => task(performance.now() - dueAt), delayMs);
    return () => clearTimeout(timer);
  },
};
