import type { ReadStart } from "./upstream-reads.ts";

/**
 * Limits the requests to an upstream within a time, for all gateways together. A slot pays for one request, and is free
 * again some time after the request, so that no period of this length contains more requests than slots.
 */
export interface RequestSlots {
  /**
   * Takes a slot of a share, or takes the slot again from now on if the slot is already taken under the id.
   *
   * @throws {StoreUnavailableError} if the store may not have kept the slot.
   */
  take(request: SlotRequest): Promise<SlotReply>;
  /** Gives a slot back, because the request is not sent. @throws {StoreUnavailableError} */
  giveBack(slot: Pick<SlotRequest, "share" | "id">): Promise<void>;
  /**
   * Denies all slots for a time, unless they are denied for longer already. The state of the list has this block then.
   *
   * @throws {StoreUnavailableError}
   */
  block(milliseconds: number): Promise<void>;
}

/** Share of the slots. */
export type SlotShare = "poll" | "refresh" | "write";

export interface SlotRequest {
  readonly share: SlotShare;
  /** Id of the request, different for each request of all gateways. */
  readonly id: string;
  /** Number of slots of the share. */
  readonly slots: number;
  /** Time for which a slot is taken, in milliseconds. */
  readonly durationMs: number;
}

export interface SlotReply {
  readonly isTaken: boolean;
  /** Time of the reply, at which a read by the request may begin. */
  readonly readAt: ReadStart;
  /** Time until the next slot of the share is free, in milliseconds; 0 if a slot is free. */
  readonly waitMs: number;
  /** Remaining time for which all slots are denied, in milliseconds. */
  readonly blockedMs: number;
  /** Number of free slots of the share. */
  readonly remaining: number;
}
