import type { Clock } from "../clock.ts";

/** What a request is made for. Each has a part of the budget that the others cannot spend. */
export type RequestPurpose = "poll" | "refresh" | "write";

/** How many requests an upstream may be sent in a minute, by all gateways together. */
export interface RequestBudget {
  /** Takes one request out of the part of its purpose; false where nothing is left of it, or the upstream is to be left alone. */
  acquire(purpose: RequestPurpose): Promise<boolean>;
  /** Nothing may be taken for this long from now on. */
  block(milliseconds: number): void;
  /** How long nothing may be taken; 0 where something may. */
  blockedMs(): number;
  /** In how many seconds something of a part may be left, as far as this gateway knows; at least 1. */
  retryAfterSeconds(purpose: RequestPurpose): number;
  /** How many requests are left at this moment, as far as this gateway knows. */
  remaining(): number;
  /** The distance in time at which the poll's part lasts for ever, in milliseconds. */
  readonly pollIntervalMs: number;
}

export interface RequestBudgetOptions {
  /** At least 3: one for each purpose. */
  readonly requestsPerMinute: number;
  /** Takes a slot for so many milliseconds, which one gateway of several can have at a time. */
  readonly lease: (slot: string, durationMs: number) => Promise<boolean>;
  readonly clock: Clock;
}

/** How long a slot is spent for, in milliseconds: a second more than a minute, since not every request travels equally fast. */
const SLOT_TTL_MS = 61_000;

/**
 * A budget of slots. A slot pays for one request and is free again after a minute, so that no minute, wherever it begins, sees more
 * requests than there are slots. Each slot is leased from the store, so that this holds for all gateways together.
 */
export function createRequestBudget({ requestsPerMinute, lease, clock }: RequestBudgetOptions): RequestBudget {
  const slots = allocateSlots(requestsPerMinute);
  let blockedUntilMs = -Infinity;

  const blockedMs = (): number => Math.max(0, blockedUntilMs - clock.monotonicMs());
  const isFree = (slot: Slot): boolean => slot.freeAtMs <= clock.monotonicMs();

  async function leaseSlot(slot: Slot): Promise<boolean> {
    const { freeAtMs } = slot;
    // Before the store is asked: whoever asks meanwhile must not choose the same one.
    slot.freeAtMs = clock.monotonicMs() + SLOT_TTL_MS;
    let isLeased = false;
    try {
      isLeased = await lease(slot.name, SLOT_TTL_MS);
    } finally {
      // Another gateway has it, for how long nobody knows; or the store is away.
      if (!isLeased) slot.freeAtMs = freeAtMs;
    }
    return isLeased;
  }

  return {
    pollIntervalMs: Math.ceil(SLOT_TTL_MS / slots.poll.length),
    blockedMs,
    async acquire(purpose) {
      for (const slot of slots[purpose]) {
        if (blockedMs() > 0) return false;
        if (isFree(slot) && (await leaseSlot(slot))) return blockedMs() === 0;
      }
      return false;
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

/** Half for the poll, which is all that tells of calls; a sixth for writes, behind which an agent waits; the rest for refreshes. */
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
