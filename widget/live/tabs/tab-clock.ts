/** The time, as tabs need it. */
export interface TabClock {
  /** Monotonic, in milliseconds: to measure by. */
  now(): number;
  /** In milliseconds since 1970, which all tabs of a browser agree about. */
  wallMs(): number;
  /** Runs a task later, and tells it by how much too late it runs, in milliseconds. @returns what calls it off. */
  after(delayMs: number, task: (lateMs: number) => void): () => void;
}

/** The browser's clock. In a hidden tab its tasks may run up to a minute late. */
export const browserClock: TabClock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, task) {
    const dueAt = performance.now() + delayMs;
    const timer = setTimeout(() => task(performance.now() - dueAt), delayMs);
    return () => clearTimeout(timer);
  },
};
