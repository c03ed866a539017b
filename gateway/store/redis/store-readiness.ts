import { raceAbort } from "./abortable.ts";

/** Waiters for the readiness of a store. */
export interface StoreReadiness {
  /** Resolves the waiters if the store is ready. Call it whenever the store may have become ready. */
  notify(): void;
  /** Resolves once the store is ready. Rejects with the signal's reason if the signal aborts first. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Creates waiters for the readiness returned by the function. */
export function createStoreReadiness(isReady: () => boolean): StoreReadiness {
  const waiters = new Set<() => void>();
  return {
    notify() {
      if (!isReady()) return;
      for (const resolve of waiters) resolve();
      waiters.clear();
    },
    async wait(signal) {
      if (isReady()) return signal.throwIfAborted();
      let removeWaiter = () => {};
      const ready = new Promise<void>((resolve) => {
        waiters.add(resolve);
        removeWaiter = () => void waiters.delete(resolve);
      });
      await raceAbort(ready, signal).finally(removeWaiter);
    },
  };
}
