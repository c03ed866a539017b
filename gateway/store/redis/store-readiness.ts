import { raceAbort } from "./abortable.ts";

/** Lets others wait until something is ready. */
export interface StoreReadiness {
  /** Has to be told whenever it may have become so. */
  review(): void;
  /** Resolves once it is ready. Rejects with the signal's reason as soon as that aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Of what this function says. */
export function createStoreReadiness(isReady: () => boolean): StoreReadiness {
  const waiting = new Set<() => void>();
  return {
    review() {
      if (!isReady()) return;
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    async wait(signal) {
      if (isReady()) return signal.throwIfAborted();
      let forget = () => {};
      const ready = new Promise<void>((resolve) => {
        waiting.add(resolve);
        forget = () => void waiting.delete(resolve);
      });
      await raceAbort(ready, signal).finally(forget);
    },
  };
}
