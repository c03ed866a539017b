import type { AvailabilityStore } from "../store/availability-store.ts";

/** Settles which gateway of several polls an upstream, and tells the others whether it succeeds. */
export interface PollLease {
  /** Whether it is this gateway's turn. */
  acquire(): Promise<boolean>;
  /** Tells the other gateways that the store is current. */
  confirm(): Promise<void>;
  /** Tells the other gateways that it may not be, and keeps all of them from asking for so long; 0: another may try at once. */
  release(pauseMs: number): Promise<void>;
  /** Whether a gateway keeps the store current. Where one has gone without a word, this is so until its lease has ended. */
  isConfirmed(): Promise<boolean>;
}

/** As good as at once: a store may not know of no time at all. */
const MIN_LEASE_MS = 1;

/**
 * @param store whose tasks are those of one customer
 * @param durationMs how long a gateway that no longer says anything is waited for
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
