/** Waiters for a growing position. */
export interface PositionWaiters {
  /** Resolves the waiters for reached positions. Call it whenever the position has grown. */
  notify(): void;
  /** Resolves once the position is reached. Rejects with the signal's reason if the signal aborts first. */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
}

interface Waiter {
  readonly position: number;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Waiters with the same signal, which has one listener for all of them: Node warns of many. */
interface WaiterGroup {
  readonly waiters: Set<Waiter>;
  readonly handleAbort: () => void;
}

/** Creates waiters for the position returned by the function. */
export function createPositionWaiters(position: () => number): PositionWaiters {
  const groups = new Map<AbortSignal, WaiterGroup>();

  function openGroup(signal: AbortSignal): WaiterGroup {
    const waiters = new Set<Waiter>();
    const handleAbort = () => {
      groups.delete(signal);
      for (const waiter of waiters) waiter.reject(signal.reason);
    };
    const group = { waiters, handleAbort };
    groups.set(signal, group);
    signal.addEventListener("abort", handleAbort, { once: true });
    return group;
  }

  function resolveReached({ waiters }: WaiterGroup): void {
    for (const waiter of waiters) {
      if (waiter.position > position()) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  }

  return {
    notify() {
      for (const [signal, group] of groups) {
        resolveReached(group);
        if (group.waiters.size > 0) continue;
        groups.delete(signal);
        signal.removeEventListener("abort", group.handleAbort);
      }
    },
    waitFor(target, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (target <= position()) return resolve();
        const { waiters } = groups.get(signal) ?? openGroup(signal);
        waiters.add({ position: target, resolve, reject });
      });
    },
  };
}
