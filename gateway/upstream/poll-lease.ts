import type { AvailabilityStore } from "../store/availability-store.ts";

/** Lease by which one of several gateways polls an upstream and shares its success with the others. */
export interface PollLease {
  /** Resolves with true if this gateway may poll. */
  acquire(): Promise<boolean>;
  /** Tells the other gateways that the store is current. */
  confirm(): Promise<void>;
  /**
   * Tells the other gateways that the store may be stale, and keeps every gateway from polling for `pauseMs`
   * milliseconds; with 0 the next gateway may poll at once.
   */
  release(pauseMs: number): Promise<void>;
  /**
   * Resolves with true while a gateway keeps the store current. After a crash the result stays true until the lease
   * expires.
   */
  isConfirmed(): Promise<boolean>;
}

/** Shortest lease, in milliseconds: a store may not support a duration of 0. */
const MIN_LEASE_MS = 1;

/**
 * Creates the lease of a customer's poll.
 *
 * @param store with the tasks of a customer
 * @param durationMs time after which an unresponsive gateway loses the lease
 */
export function createPollLease(store: Pick<AvailabilityStore, "lease" | "isLeased">, durationMs: number): PollLease {
  let hasConfirmed = false;
  return {
    acquire: () => store.lease("poll", durationMs),
    async confirm() {
      hasConfirmed = await store.lease("current", durationMs);
    },
    async release(pauseMs) {
      if (hasConfirmed) await store.lease("current", MIN_LEASE_MS);
      hasConfirmed = false;
      await store.lease("poll", Math.max(pauseMs, MIN_LEASE_MS));
    },
    isConfirmed: () => store.isLeased("current"),
  };
}
