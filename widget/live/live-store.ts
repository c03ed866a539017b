import type { Availability } from "../../shared/contracts/availability.ts";
import type { SubtractElapsed } from "../gateway/elapsed-time.ts";
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
 * Stores the latest availability of each user, and the version that the page has. The highest version wins, from any
 * source and in any order. A removed user comes back only with a version above the removal's.
 */
export interface LiveStore {
  /**
   * Stores an availability made `ageMs` milliseconds ago, unless a newer version is stored. A wrap-up time that ends much sooner than
   * the page knows makes the version one that the page does not have.
   */
  merge(availability: Availability, ageMs: number, updatedAt?: number): void;
  /** Returns the stored availability of a user. */
  get(userId: number): StoredAvailability | undefined;
  /** Returns an availability for a caller that reads it later, even after the store has dropped the user. */
  getCached(userId: number): CachedAvailability | undefined;
  /**
   * Distrusts the wrap-up times that are running, because their clock may have stood still while the machine slept. Until the next
   * response about it such a user is not cached. Returns these users.
   */
  distrustWrapUpTimes(): readonly number[];
  /** The users with a stored availability. */
  userIds(): Iterable<number>;
  /** Removes a user at this version, unless this version or a newer one is stored. */
  remove(userId: number, version: number): void;
  /**
   * Removes a user missing from a snapshot. The stored version can restore the user: it may be newer than the snapshot.
   * Returns the version of the removal for the page, or `undefined` if no availability was stored.
   */
  markMissing(userId: number): number | undefined;
  /** Records that the page has the stored version of a user. Returns false if the page had it before. */
  markAnnounced(userId: number): boolean;
  /** Records that the page has no version of these users. */
  forgetAnnounced(isForgotten: (userId: number) => boolean): void;
  /** Drops all other users. Their tombstones stay: a read from before the removal may still come, even for a user who is retained later. */
  retain(isRetained: (userId: number) => boolean): void;
  clear(): void;
}

export interface LiveStoreOptions {
  /** Receives the end of each stored user's wrap-up time. */
  readonly wrapUpTimers: WrapUpTimers;
  readonly subtractElapsed: SubtractElapsed;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

interface Entry {
  /** The highest version so far. The store ignores lower versions, and after a removal also an equal version. */
  readonly version: number;
  /** `undefined` after a removal. */
  readonly availability: Availability | undefined;
  /** Time at which the availability had its wrap-up time, on the monotonic clock. */
  readonly validAt: number;
  readonly updatedAt: number | undefined;
  /** True if the wrap-up time may have ended before `validAt` and `availability` say so. */
  readonly isDistrusted?: boolean;
  /** The version that the page has; below 0 for none. */
  readonly announcedVersion: number;
}

/** Difference of two ends of a wrap-up time that rounding and the way of a response do not explain, in milliseconds. */
const MIN_CORRECTION_MS = 2_000;

/** Creates an empty store. */
export function createLiveStore(options: LiveStoreOptions): LiveStore {
  const { wrapUpTimers, subtractElapsed, now = () => performance.now() } = options;
  const entries = new Map<number, Entry>();

  function setEntry(userId: number, entry: Omit<Entry, "announcedVersion">, announcedVersion?: number): void {
    const announced = announcedVersion ?? entries.get(userId)?.announcedVersion ?? -1;
    entries.set(userId, { ...entry, announcedVersion: announced });
    // Most agents have no wrap-up time left, and a clock is slow to read a thousand times.
    if (entry.availability?.wrapUpTimeTtl) wrapUpTimers.set(userId, getWrapUpEnd(entry) - now());
    else wrapUpTimers.cancel(userId);
  }

  function setTombstone(userId: number, version: number, announcedVersion?: number): void {
    const tombstone = { version, availability: undefined, validAt: -Infinity, updatedAt: undefined };
    setEntry(userId, tombstone, announcedVersion);
  }

  function deleteEntry(userId: number): void {
    entries.delete(userId);
    wrapUpTimers.cancel(userId);
  }

  function countDown({ availability, validAt }: Entry): Availability | undefined {
    return availability && subtractElapsed(availability, now() - validAt);
  }

  return {
    merge(availability, ageMs, updatedAt) {
      const { userId, version } = availability;
      const entry = { version, availability, validAt: now() - ageMs, updatedAt };
      const existing = entries.get(userId);
      if (!existing || version > existing.version) setEntry(userId, entry);
      else if (version === existing.version && existing.availability) {
        // Each response rounds up and takes time to arrive: the earliest end is the most accurate.
        const earliest = getWrapUpEnd(entry) < getWrapUpEnd(existing) ? entry : existing;
        const isCorrected = getWrapUpEnd(existing) - Math.max(now(), getWrapUpEnd(entry)) > MIN_CORRECTION_MS;
        const updated = { ...earliest, updatedAt: existing.updatedAt ?? updatedAt, isDistrusted: false };
        setEntry(userId, updated, isCorrected ? -1 : undefined);
      }
    },
    get(userId) {
      const existing = entries.get(userId);
      const availability = existing && countDown(existing);
      return availability && { availability, updatedAt: existing.updatedAt };
    },
    getCached(userId) {
      const existing = entries.get(userId);
      const availability = existing?.isDistrusted ? undefined : existing?.availability;
      return existing && availability && { version: existing.version, read: () => countDown(existing) ?? availability };
    },
    distrustWrapUpTimes() {
      const running = [...entries].filter(([, entry]) => entry.availability && getWrapUpEnd(entry) > now());
      for (const [userId, entry] of running) entries.set(userId, { ...entry, isDistrusted: true });
      return running.map(([userId]) => userId);
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
      if (!existing?.availability) return undefined;
      const version = existing.version - 1;
      setTombstone(userId, version, version);
      return version;
    },
    markAnnounced(userId) {
      const existing = entries.get(userId);
      if (!existing || existing.version <= existing.announcedVersion) return false;
      entries.set(userId, { ...existing, announcedVersion: existing.version });
      return true;
    },
    forgetAnnounced(isForgotten) {
      for (const [userId, entry] of entries) {
        if (isForgotten(userId)) entries.set(userId, { ...entry, announcedVersion: -1 });
      }
    },
    retain(isRetained) {
      for (const [userId, { availability }] of entries) if (availability && !isRetained(userId)) deleteEntry(userId);
    },
    clear() {
      for (const userId of entries.keys()) deleteEntry(userId);
    },
  };
}

/** End of the wrap-up time, on the monotonic clock. */
function getWrapUpEnd({ availability, validAt }: Pick<Entry, "availability" | "validAt">): number {
  return validAt + 1_000 * (availability?.wrapUpTimeTtl ?? 0);
}
