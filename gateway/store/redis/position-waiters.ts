/** Lets others wait for a position that only grows. */
export interface PositionWaiters {
  /** Has to be told whenever the position has grown. */
  notify(): void;
  /** Resolves once the position is at least this. Rejects with the signal's reason as soon as that aborts. */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
}

/** Of what this function says. */
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
