import type { Availability } from "../../shared/contracts/availability.ts";
import type { HeldAvailability } from "../gateway/gateway-client.ts";
import type { WrapUpClock } from "./wrap-up-clock.ts";

/** An availability as the store keeps it. */
export interface KeptAvailability {
  /** With the wrap-up time that is left now. */
  readonly availability: Availability;
  /** When it last changed, in milliseconds since 1970, where that was told. */
  readonly updatedAt: number | undefined;
}

/**
 * The latest availability of each user that was told of, whatever told it and in whatever order: the highest version counts.
 * Who was removed comes back with a higher version than the removal's alone, for as long as the store is to keep the user.
 */
export interface AvailabilityStore {
  /** Takes an availability that was made this long ago, in milliseconds, unless a newer one is kept. */
  offer(availability: Availability, ageMs: number, updatedAt?: number): void;
  /** What is kept of a user. */
  read(userId: number): KeptAvailability | undefined;
  /** What is kept of a user, for whoever needs it later as well, when it may be kept no more. */
  hold(userId: number): HeldAvailability | undefined;
  /** The users of whom an availability is kept. */
  userIds(): Iterable<number>;
  /** Takes away a user who was removed at this version, unless something newer is kept. */
  remove(userId: number, version: number): void;
  /** Takes away a user of whom a snapshot knows nothing. The user comes back with what was kept as well: it may be newer. */
  lose(userId: number): void;
  /** Keeps nothing of the others, nor that they were removed. */
  keepOnly(isKept: (userId: number) => boolean): void;
  clear(): void;
}

export interface AvailabilityStoreOptions {
  /** Is told when the wrap-up time of each user whom the store keeps runs down. */
  readonly wrapUps: WrapUpClock;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

interface Entry {
  /** The highest that counts: nothing lower is taken, and nothing as high once the user was taken away. */
  readonly version: number;
  /** `undefined` where the user was taken away. */
  readonly availability: Availability | undefined;
  /** When its wrap-up time has run down, on the monotonic clock. */
  readonly wrapUpEndsAt: number;
  readonly updatedAt: number | undefined;
}

/** Creates an empty store. */
export function createAvailabilityStore(options: AvailabilityStoreOptions): AvailabilityStore {
  const { wrapUps, now = () => performance.now() } = options;
  const entries = new Map<number, Entry>();

  function keep(userId: number, entry: Entry): void {
    entries.set(userId, entry);
    wrapUps.set(userId, entry.wrapUpEndsAt - now());
  }

  function takeAway(userId: number, version: number): void {
    keep(userId, { version, availability: undefined, wrapUpEndsAt: -Infinity, updatedAt: undefined });
  }

  function forget(userId: number): void {
    entries.delete(userId);
    wrapUps.cancel(userId);
  }

  function countDown({ availability, wrapUpEndsAt }: Entry): Availability | undefined {
    if (!availability?.wrapUpTimeTtl) return availability;
    return { ...availability, wrapUpTimeTtl: Math.max(0, Math.ceil((wrapUpEndsAt - now()) / 1_000)) };
  }

  return {
    offer(availability, ageMs, updatedAt) {
      const { userId, version, wrapUpTimeTtl = 0 } = availability;
      const wrapUpEndsAt = now() - ageMs + wrapUpTimeTtl * 1_000;
      const held = entries.get(userId);
      if (!held || version > held.version) keep(userId, { version, availability, wrapUpEndsAt, updatedAt });
      else if (version === held.version && held.availability) {
        // Each telling rounds up and has been under way for a while: the earliest end is the nearest to the truth.
        const earliest = Math.min(held.wrapUpEndsAt, wrapUpEndsAt);
        keep(userId, { ...held, wrapUpEndsAt: earliest, updatedAt: held.updatedAt ?? updatedAt });
      }
    },
    read(userId) {
      const held = entries.get(userId);
      const availability = held && countDown(held);
      return availability && { availability, updatedAt: held.updatedAt };
    },
    hold(userId) {
      const held = entries.get(userId);
      const availability = held?.availability;
      return availability && { version: held.version, read: () => countDown(held) ?? availability };
    },
    *userIds() {
      for (const [userId, { availability }] of entries) if (availability) yield userId;
    },
    remove(userId, version) {
      const held = entries.get(userId);
      if (!held || version > held.version) takeAway(userId, version);
    },
    lose(userId) {
      const held = entries.get(userId);
      if (held?.availability) takeAway(userId, held.version - 1);
    },
    keepOnly(isKept) {
      for (const userId of entries.keys()) if (!isKept(userId)) forget(userId);
    },
    clear() {
      for (const userId of entries.keys()) forget(userId);
    },
  };
}
