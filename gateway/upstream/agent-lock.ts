import type { Delay } from "../delay.ts";
import { type AvailabilityStore, StoreUnavailableError } from "../store/availability-store.ts";

/** Lock by which of all gateways' requests one at a time changes an agent. */
export interface AgentLock {
  /**
   * Runs the action when no other request holds the agent's lock. Rejects with the signal's reason when the signal aborts
   * before.
   *
   * @throws {StoreUnavailableError} if the store cannot be reached, or if another gateway does not release the lock.
   */
  run<Value>(userId: number, signal: AbortSignal, action: () => Promise<Value>): Promise<Value>;
}

export interface AgentLockOptions {
  readonly lease: AvailabilityStore["lease"];
  readonly isStoreReady: () => boolean;
  /** Time that an action may take, in milliseconds. A crashed gateway holds its locks for so long. */
  readonly durationMs: number;
  readonly wait: Delay;
}

/** Interval of attempts to get a lock that another gateway holds, in milliseconds. No notification exists. */
const RETRY_MS = 50;

/** Shortest lease, in milliseconds: a store may not support a duration of 0. */
const MIN_LEASE_MS = 1;

export function createAgentLock({ lease, isStoreReady, durationMs, wait }: AgentLockOptions): AgentLock {
  /** The end of the last request of each agent at this gateway, whose requests the lease does not tell apart. */
  const lastEnds = new Map<number, Promise<void>>();

  // A lease that ends with the gateway would be remembered for each agent.
  const leaseAgent = (userId: number, ms: number) => lease(`change/${userId}`, ms, { keepAfterClose: true });

  async function acquire(userId: number, signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; waitedMs <= durationMs; waitedMs += RETRY_MS) {
      signal.throwIfAborted();
      if (await leaseAgent(userId, durationMs)) return;
      if (!isStoreReady()) break;
      await wait(RETRY_MS, signal);
    }
    throw new StoreUnavailableError("The agent cannot be locked for the change");
  }

  async function runLeased<Value>(userId: number, signal: AbortSignal, action: () => Promise<Value>): Promise<Value> {
    await acquire(userId, signal);
    try {
      return await action();
    } finally {
      await leaseAgent(userId, MIN_LEASE_MS);
    }
  }

  return {
    async run(userId, signal, action) {
      let end = () => {};
      const before = lastEnds.get(userId) ?? Promise.resolve();
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      const last = before.then(() => ended);
      lastEnds.set(userId, last);
      try {
        await before;
        return await runLeased(userId, signal, action);
      } finally {
        end();
        if (lastEnds.get(userId) === last) lastEnds.delete(userId);
      }
    },
  };
}
