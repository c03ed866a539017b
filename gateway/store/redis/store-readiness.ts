import { raceAbort } from "./abortable.ts";

/** Lets others wait until something is ready. */
export interface StoreReadiness {
  /** Has to be told whenever it may have become so. */
  notify(): void;
  /** Resolves once it is ready. Rejects with the signal's reason as soon as that aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Of what this function says. */
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
