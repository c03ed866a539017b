/** Waiters for a growing position. */
export interface PositionWaiters {
  /** Resolves the waiters for reached positions. Call it whenever the position has grown. */
  notify(): void;
  /** Resolves once the position is reached. Rejects with the signal's reason if the signal aborts first. */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
}

/** Creates waiters for the position returned by the function. */
export function createPositionWaiters(position: () => number): PositionWaiters {
  const waiters = new Set<{ readonly position: number; resolve(): void }>();
  return {
    notify() {
      for (const waiter of waiters) if (waiter.position <= position()) waiter.resolve();
    },
    waitFor(target, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (target <= position()) return resolve();
        const abort = () => {
          waiters.delete(waiter);
          reject(signal.reason);
        };
        const waiter = {
          position: target,
          resolve() {
            waiters.delete(waiter);
            signal.removeEventListener("abort", abort);
            resolve();
          },
        };
        waiters.add(waiter);
        signal.addEventListener("abort", abort, { once: true });
      });
    },
  };
}
