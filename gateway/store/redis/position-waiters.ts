/** Lets others wait for a position that only grows. */
export interface PositionWaiters {
  /** Has to be told whenever the position has grown. */
  review(): void;
  /** Resolves once the position is at least this. Rejects with the signal's reason as soon as that aborts. */
  at(position: number, signal: AbortSignal): Promise<void>;
}

/** Of what this function says. */
export function createPositionWaiters(position: () => number): PositionWaiters {
  const waiting = new Set<{ readonly position: number; resolve(): void }>();
  return {
    review() {
      for (const waiter of waiting) if (waiter.position <= position()) waiter.resolve();
    },
    at(wanted, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (wanted <= position()) return resolve();
        const abort = () => {
          waiting.delete(waiter);
          reject(signal.reason);
        };
        const waiter = {
          position: wanted,
          resolve() {
            waiting.delete(waiter);
            signal.removeEventListener("abort", abort);
            resolve();
          },
        };
        waiting.add(waiter);
        signal.addEventListener("abort", abort, { once: true });
      });
    },
  };
}
