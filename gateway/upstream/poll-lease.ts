import type { AvailabilityStore } from "../store/availability-store.ts";

/** Lease by which one of several gateways polls an upstream. */
export interface PollLease {
  /** Resolves with true if the gateway may poll. */
  acquire(): Promise<boolean>;
  /** Lets another gateway poll. */
  release(): Promise<void>;
}

/** Shortest lease, in milliseconds: a store may not support a duration of 0. */
const MIN_LEASE_MS = 1;

/**
 * Creates the lease of a customer's poll.
 *
 * @param lease acquires a task of the customer
 * @param durationMs time after which an unresponsive gateway loses the lease
 */
export function createPollLease(lease: AvailabilityStore["lease"], durationMs: number): PollLease {
  return {
    acquire: () => lease("poll", durationMs),
    async release() {
      await lease("poll", MIN_LEASE_MS);
    },
  };
}
