import type { Availability } from "../../shared/contracts/availability.ts";

/** An availability as the store keeps it. */
export interface KeptAvailability {
  /** As it was made, with the wrap-up time that was left then. */
  readonly availability: Availability;
  /** When it was made, on the monotonic clock, in milliseconds. */
  readonly madeAt: number;
  /** When it last changed, in milliseconds since 1970, where that was told. */
  readonly updatedAt: number | undefined;
}

/** The latest availability of each user that was told of, whatever told it and in whatever order. */
export interface AvailabilityStore {
  /** Takes an availability that was made this long ago, in milliseconds, unless a newer one is kept. */
  offer(availability: Availability, ageMs: number, updatedAt?: number): void;
  /** What is kept of a user, with the wrap-up time that is left now. */
  read(userId: number): KeptAvailability | undefined;
  userIds(): Iterable<number>;
  /** Forgets a user, unless a newer availability is kept. */
  remove(userId: number, version: number): void;
  clear(): void;
}

/** Creates an empty store. `now` is a monotonic clock, in milliseconds. */
export function createAvailabilityStore(now: () => number = () => performance.now()): AvailabilityStore {
  const kept = new Map<number, KeptAvailability>();
  return {
    offer(availability, ageMs, updatedAt) {
      const held = kept.get(availability.userId);
      if (held && held.availability.version > availability.version) return;
      if (held && held.availability.version === availability.version && updatedAt === undefined) return;
      kept.set(availability.userId, { availability, madeAt: now() - ageMs, updatedAt });
    },
    read(userId) {
      const held = kept.get(userId);
      if (!held?.availability.wrapUpTimeTtl) return held;
      const wrapUpTimeTtl = Math.max(0, Math.ceil(held.availability.wrapUpTimeTtl - (now() - held.madeAt) / 1_000));
      return { ...held, availability: { ...held.availability, wrapUpTimeTtl }, madeAt: now() };
    },
    userIds: () => kept.keys(),
    remove(userId, version) {
      const held = kept.get(userId);
      if (held && held.availability.version < version) kept.delete(userId);
    },
    clear: () => kept.clear(),
  };
}
