import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { StoreUnavailableError } from "../store/availability-store.ts";
import type { RequestSlots, SlotReply, SlotShare } from "../store/request-slots.ts";
import type { ReadStart, UpstreamBlock } from "../store/upstream-reads.ts";
import { RateBudgetError } from "./upstream.ts";

/** Purpose of a request. Every purpose has a separate share of the budget. */
export type RequestPurpose = SlotShare;

/** Budget of requests per minute to an upstream, for all gateways together. */
export interface RequestBudget {
  /**
   * Acquires a request from the purpose's share. Resolves with false if the share is spent, the upstream is blocked or
   * the store cannot be reached.
   */
  acquire(purpose: RequestPurpose): Promise<boolean>;
  /**
   * Acquires a request like `acquire`, and resolves with the store's present time, at which the read by the request
   * begins. Resolves with `undefined` if `acquire` would resolve with false.
   */
  acquireRead(purpose: RequestPurpose): Promise<ReadStart | undefined>;
  /** Acquires a request that is sent later or not at all. Resolves with `undefined` if `acquire` would resolve with false. */
  reserve(purpose: RequestPurpose): Promise<Reservation | undefined>;
  /** Blocks all requests of all gateways from now on for a time. */
  block(milliseconds: number): void;
  /** Returns the last block that the gateway knows of, from when it knew of it. */
  lastBlock(): UpstreamBlock | undefined;
  /** Remaining duration of the block, in milliseconds; 0 if requests are allowed, as far as the gateway knows. */
  blockedMs(): number;
  /** Time until the purpose's share may have a request again, in milliseconds, as far as the gateway knows. */
  waitMs(purpose: RequestPurpose): number;
  /** Number of remaining requests, as far as the gateway knows. */
  remaining(): number;
  /** Interval of polls to stay within their share, in milliseconds. */
  readonly pollIntervalMs: number;
}

/** Request of a budget that is not sent yet. */
export interface Reservation {
  /**
   * Counts the request from now on, because it is sent now. Resolves with false if it must not be sent: the reservation
   * has expired and the share is spent, or the upstream is blocked.
   */
  renew(): Promise<boolean>;
  /** Gives the request back, because it is not sent. */
  cancel(): void;
}

export interface RequestBudgetOptions {
  /** At least 3, for the three purposes. */
  readonly requestsPerMinute: number;
  readonly slots: RequestSlots;
  readonly clock: Clock;
}

/** Time for which a request spends its slot, in milliseconds: a second more than a minute, because requests do not travel equally fast. */
const SLOT_TTL_MS = 61_000;

/** Longest time between the store's reply and the request, in milliseconds, which the extra second covers. */
const MAX_REPLY_MS = 1_000;

/** Longest time by which the store ends a block later than the gateway that has begun it, in milliseconds. */
const BLOCK_DELAY_MS = 2_000;

/** Time after which to ask an unreachable store again, in milliseconds. */
const STORE_RETRY_MS = 1_000;

/**
 * Creates a budget of slots. A slot pays for one request and is free again after a minute, so no minute, at any start,
 * contains more requests than slots. The store has the slots, so the limit holds for all gateways together.
 */
export function createRequestBudget({ requestsPerMinute, slots, clock }: RequestBudgetOptions): RequestBudget {
  const shares = createShares(requestsPerMinute, clock);
  let block: UpstreamBlock | undefined;

  const blockedMs = (): number => Math.max(0, (block?.endsMs ?? -Infinity) - clock.monotonicMs());

  function blockFor(milliseconds: number): void {
    if (milliseconds <= blockedMs()) return;
    const nowMs = clock.monotonicMs();
    // A longer time makes a block that has begun longer.
    block = { startsMs: block && blockedMs() > 0 ? block.startsMs : nowMs, endsMs: nowMs + milliseconds };
  }

  /** Adopts the block of the store's reply. */
  function adoptBlock(milliseconds: number): void {
    const endsMs = clock.monotonicMs() + milliseconds;
    const delayMs = endsMs - (block?.endsMs ?? -Infinity);
    // The same block: the store has learned of it later. As a new one, it would be as short as the delay.
    if (block && milliseconds > 0 && delayMs > 0 && delayMs <= BLOCK_DELAY_MS) block = { ...block, endsMs };
    else blockFor(milliseconds);
  }

  /** Takes a slot. Resolves with the time of the store; `undefined` if the request must not be sent. */
  async function take(purpose: RequestPurpose, id: string): Promise<ReadStart | undefined> {
    if (blockedMs() > 0) return undefined;
    const share = shares[purpose];
    const askedMs = clock.monotonicMs();
    const reply = await ignoreUnavailable(
      slots.take({ share: purpose, id, slots: share.slots, durationMs: SLOT_TTL_MS }),
    );
    share.adopt(reply);
    if (!reply) return undefined;
    adoptBlock(reply.blockedMs);
    const isInTime = clock.monotonicMs() - askedMs <= MAX_REPLY_MS;
    return reply.isTaken && blockedMs() === 0 && isInTime ? reply.readAt : undefined;
  }

  return {
    pollIntervalMs: Math.ceil(SLOT_TTL_MS / shares.poll.slots),
    blockedMs,
    lastBlock: () => block,
    acquire: async (purpose) => (await take(purpose, randomUUID())) !== undefined,
    acquireRead: (purpose) => take(purpose, randomUUID()),
    async reserve(purpose) {
      const id = randomUUID();
      if ((await take(purpose, id)) === undefined) return undefined;
      return {
        renew: async () => (await take(purpose, id)) !== undefined,
        cancel: () => void ignoreUnavailable(slots.giveBack({ share: purpose, id })),
      };
    },
    block(milliseconds) {
      blockFor(milliseconds);
      void ignoreUnavailable(slots.block(milliseconds));
    },
    waitMs: (purpose) => Math.max(blockedMs(), shares[purpose].waitMs()),
    remaining() {
      if (blockedMs() > 0) return 0;
      return Object.values(shares).reduce((sum, { remaining }) => sum + remaining(), 0);
    },
  };
}

/** Creates the error of a call that has to wait for the purpose's share. */
export function toRateBudgetError(budget: RequestBudget, purpose: RequestPurpose): RateBudgetError {
  return new RateBudgetError(Math.max(1, Math.ceil(budget.waitMs(purpose) / 1000)));
}

/** Half for polls, the only source of calls; a sixth for writes, on which an agent waits; the rest for refreshes. */
function createShares(requestsPerMinute: number, clock: Clock): Readonly<Record<RequestPurpose, Share>> {
  const polls = Math.max(1, Math.floor(requestsPerMinute / 2));
  const writes = Math.max(1, Math.floor(requestsPerMinute / 6));
  return {
    poll: createShare(polls, clock),
    write: createShare(writes, clock),
    refresh: createShare(requestsPerMinute - polls - writes, clock),
  };
}

interface Share {
  readonly slots: number;
  /** Adopts the store's reply; `undefined` if the store cannot be reached. */
  adopt(reply: SlotReply | undefined): void;
  /** Time until a slot is free, in milliseconds, by the last reply. */
  waitMs(): number;
  /** Number of free slots by the last reply. */
  remaining(): number;
}

function createShare(slots: number, clock: Clock): Share {
  let freeAtMs = -Infinity;
  let remaining = slots;
  let adoptedMs = -Infinity;
  return {
    slots,
    adopt(reply) {
      freeAtMs = clock.monotonicMs() + (reply?.waitMs ?? STORE_RETRY_MS);
      if (!reply) return;
      remaining = reply.remaining;
      adoptedMs = clock.monotonicMs();
    },
    waitMs: () => Math.max(0, freeAtMs - clock.monotonicMs()),
    // All slots that the gateway knows of are free by then.
    remaining: () => (clock.monotonicMs() - adoptedMs >= SLOT_TTL_MS ? slots : remaining),
  };
}

/** Resolves with `undefined` if the store cannot be reached. */
async function ignoreUnavailable<Value>(done: Promise<Value>): Promise<Value | undefined> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof StoreUnavailableError) return undefined;
    throw error;
  }
}
