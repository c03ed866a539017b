import type { Availability } from "../../shared/contracts/availability.ts";
import type { CachedAvailability } from "../gateway/gateway-client.ts";
import type { WrapUpTimers } from "./wrap-up-timers.ts";

/** A stored availability. */
export interface StoredAvailability {
  /** With the remaining wrap-up time. */
  readonly availability: Availability;
  /** Time of the last change, in milliseconds since 1970, if known. */
  readonly updatedAt: number | undefined;
}

/**
 * Stores the latest availability of each user. The highest version wins, from any source and in any order. A removed
 * user comes back only with a version above the removal's, until `retain` drops the user.
 */
export interface LiveStore {
  /** Stores an availability made `ageMs` milliseconds ago, unless a newer version is stored. */
  merge(availability: Availability, ageMs: number, updatedAt?: number): void;
  /** Returns the stored availability of a user. */
  get(userId: number): StoredAvailability | undefined;
  /** Returns an availability for a caller that reads it later, even after the store has dropped the user. */
  getCached(userId: number): CachedAvailability | undefined;
  /** The users with a stored availability. */
  userIds(): Iterable<number>;
  /** Removes a user at this version, unless a newer version is stored. */
  remove(userId: number, version: number): void;
  /**
   * Removes a user missing from a snapshot. The stored version can restore the user: it may be newer than the snapshot.
   */
  markMissing(userId: number): void;
  /** Drops all other users and their tombstones. */
  retain(isRetained: (userId: number) => boolean): void;
  clear(): void;
}

export interface LiveStoreOptions {
  /** Receives the end of each stored user's wrap-up time. */
  readonly wrapUpTimers: WrapUpTimers;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

interface Entry {
  /** The highest version so far. The store ignores lower versions, and after a removal also an equal version. */
  readonly version: number;
  /** `undefined` after a removal. */
  readonly availability: Availability | undefined;
  /** End of the wrap-up time, on the monotonic clock. */
  readonly wrapUpEndsAt: number;
  readonly updatedAt: number | undefined;
}

/** Creates an empty store. */
export function createLiveStore(options: LiveStoreOptions): LiveStore {
  const { wrapUpTimers, now = () => performance.now() } = options;
  const entries = new Map<number, Entry>();

  function setEntry(userId: number, entry: Entry): void {
    entries.set(userId, entry);
    wrapUpTimers.set(userId, entry.wrapUpEndsAt - now());
  }

  function setTombstone(userId: number, version: number): void {
    setEntry(userId, { version, availability: undefined, wrapUpEndsAt: -Infinity, updatedAt: undefined });
  }

  function deleteEntry(userId: number): void {
    entries.delete(userId);
    wrapUpTimers.cancel(userId);
  }

  function countDown({ availability, wrapUpEndsAt }: Entry): Availability | undefined {
    if (!availability?.wrapUpTimeTtl) return availability;
    return { ...availability, wrapUpTimeTtl: Math.max(0, Math.ceil((wrapUpEndsAt - now()) / 1_000)) };
  }

  return {
    merge(availability, ageMs, updatedAt) {
      const { userId, version, wrapUpTimeTtl = 0 } = availability;
      const wrapUpEndsAt = now() - ageMs + wrapUpTimeTtl * 1_000;
      const existing = entries.get(userId);
      if (!existing || version > existing.version) setEntry(userId, { version, availability, wrapUpEndsAt, updatedAt });
      else if (version === existing.version && existing.availability) {
        // Each response rounds up and takes time to arrive: the earliest end is the most accurate.
        const earliest = Math.min(existing.wrapUpEndsAt, wrapUpEndsAt);
        setEntry(userId, { ...existing, wrapUpEndsAt: earliest, updatedAt: existing.updatedAt ?? updatedAt });
      }
    },
    get(userId) {
      const existing = entries.get(userId);
      const availability = existing && countDown(existing);
      return availability && { availability, updatedAt: existing.updatedAt };
    },
    getCached(userId) {
      const existing = entries.get(userId);
      const availability = existing?.availability;
      return availability && { version: existing.version, read: () => countDown(existing) ?? availability };
    },
    *userIds() {
      for (const [userId, { availability }] of entries) if (availability) yield userId;
    },
    remove(userId, version) {
      const existing = entries.get(userId);
      if (!existing || version > existing.version) setTombstone(userId, version);
    },
    markMissing(userId) {
      const existing = entries.get(userId);
      if (existing?.availability) setTombstone(userId, existing.version - 1);
    },
    retain(isRetained) {
      for (const userId of entries.keys()) if (!isRetained(userId)) deleteEntry(userId);
    },
    clear() {
      for (const userId of entries.keys()) deleteEntry(userId);
    },
  };
}
