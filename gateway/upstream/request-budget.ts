import type { Clock } from "../clock.ts";

/** Purpose of a request. Every purpose has a separate share of the budget. */
export type RequestPurpose = "poll" | "refresh" | "write";

/** Budget of requests per minute to an upstream, for all gateways together. */
export interface RequestBudget {
  /**
   * Acquires a request from the purpose's share. Resolves with false if the share is spent or the upstream is blocked.
   */
  acquire(purpose: RequestPurpose): Promise<boolean>;
  /** Acquires a request that is sent later or not at all. Resolves with `undefined` if `acquire` would resolve with false. */
  reserve(purpose: RequestPurpose): Promise<Reservation | undefined>;
  /** Blocks all requests from now on for a time. */
  block(milliseconds: number): void;
  /** Remaining duration of the block, in milliseconds; 0 if requests are allowed. */
  blockedMs(): number;
  /** Seconds until the purpose's share may have a request again, as far as this gateway knows; at least 1. */
  retryAfterSeconds(purpose: RequestPurpose): number;
  /** Number of remaining requests, as far as this gateway knows. */
  remaining(): number;
  /** Interval of polls to stay within their share, in milliseconds. */
  readonly pollIntervalMs: number;
}

/** Request of a budget that is not sent yet. */
export interface Reservation {
  /**
   * Counts the request from now on, because it is sent now. Resolves with false if it must not be sent: the reservation
   * has expired, or the upstream is blocked.
   */
  renew(): Promise<boolean>;
  /** Gives the request back, because it is not sent. */
  cancel(): void;
}

export interface RequestBudgetOptions {
  /** At least 3, for the three purposes. */
  readonly requestsPerMinute: number;
  /** Leases a slot for `durationMs` milliseconds. Resolves with false if another gateway holds the slot. */
  readonly lease: (slot: string, durationMs: number) => Promise<boolean>;
  readonly clock: Clock;
}

/** Lease of a spent slot, in milliseconds: a second more than a minute, because requests do not travel equally fast. */
const SLOT_TTL_MS = 61_000;

/**
 * Creates a budget of slots. A slot pays for one request and is free again after a minute, so no minute, at any start,
 * contains more requests than slots. Slots are leased from the store, so the limit holds for all gateways together.
 */
export function createRequestBudget({ requestsPerMinute, lease, clock }: RequestBudgetOptions): RequestBudget {
  const slots = allocateSlots(requestsPerMinute);
  let blockedUntilMs = -Infinity;

  const blockedMs = (): number => Math.max(0, blockedUntilMs - clock.monotonicMs());
  const isFree = (slot: Slot): boolean => slot.freeAtMs <= clock.monotonicMs();

  async function leaseSlot(slot: Slot): Promise<boolean> {
    const { freeAtMs } = slot;
    // Mark the slot before asking the store, so that concurrent calls choose other slots.
    slot.freeAtMs = clock.monotonicMs() + SLOT_TTL_MS;
    let isLeased = false;
    try {
      isLeased = await lease(slot.name, SLOT_TTL_MS);
    } finally {
      // Another gateway has the slot for an unknown time, or the store is unreachable.
      if (!isLeased) slot.freeAtMs = freeAtMs;
    }
    return isLeased;
  }

  /** Leases a free slot of the purpose's share. */
  async function leaseFrom(purpose: RequestPurpose): Promise<Slot | undefined> {
    for (const slot of slots[purpose]) {
      if (blockedMs() > 0) return undefined;
      if (isFree(slot) && (await leaseSlot(slot))) return blockedMs() === 0 ? slot : undefined;
    }
    return undefined;
  }

  return {
    pollIntervalMs: Math.ceil(SLOT_TTL_MS / slots.poll.length),
    blockedMs,
    acquire: async (purpose) => (await leaseFrom(purpose)) !== undefined,
    async reserve(purpose) {
      const slot = await leaseFrom(purpose);
      if (!slot) return undefined;
      return {
        renew: async () => (await leaseSlot(slot)) && blockedMs() === 0,
        cancel() {
          slot.freeAtMs = clock.monotonicMs();
        },
      };
    },
    block(milliseconds) {
      blockedUntilMs = Math.max(blockedUntilMs, clock.monotonicMs() + milliseconds);
    },
    retryAfterSeconds(purpose) {
      const freeAtMs = Math.min(...slots[purpose].map((slot) => slot.freeAtMs));
      return Math.max(1, Math.ceil(Math.max(blockedMs(), freeAtMs - clock.monotonicMs()) / 1000));
    },
    remaining: () => (blockedMs() > 0 ? 0 : slots.all.filter(isFree).length),
  };
}

interface Slot {
  readonly name: string;
  freeAtMs: number;
}

/** Half for polls, the only source of calls; a sixth for writes, on which an agent waits; the rest for refreshes. */
function allocateSlots(requestsPerMinute: number): Readonly<Record<RequestPurpose | "all", readonly Slot[]>> {
  const all = Array.from({ length: requestsPerMinute }, (_, index) => ({ name: `slot/${index}`, freeAtMs: -Infinity }));
  const polls = Math.max(1, Math.floor(requestsPerMinute / 2));
  const writes = Math.max(1, Math.floor(requestsPerMinute / 6));
  return {
    all,
    poll: all.slice(0, polls),
    write: all.slice(polls, polls + writes),
    refresh: all.slice(polls + writes),
  };
}
