/** The agents of the panel, each with the latest availability. */
import type { Availability } from "../../shared/contracts/availability.ts";
import type { SubtractElapsed } from "../gateway/elapsed-time.ts";

export interface Team {
  /** Stores an availability as of now, unless a newer version of the agent is stored. */
  merge(availability: Availability): void;
  remove(userId: number): void;
  clear(): void;
  /** Returns an agent's availability with the wrap-up time remaining now. */
  get(userId: number): Availability | undefined;
  /** Returns every agent's availability, with the wrap-up time remaining now. */
  all(): readonly Availability[];
}

interface Entry {
  readonly availability: Availability;
  /** Time at which the availability had its wrap-up time, on the monotonic clock. */
  readonly validAt: number;
}

/** Creates an empty team. */
export function createTeam(subtractElapsed: SubtractElapsed, now = () => performance.now()): Team {
  const entries = new Map<number, Entry>();

  function countDown({ availability, validAt }: Entry): Availability {
    return availability.wrapUpTimeTtl ? subtractElapsed(availability, now() - validAt) : availability;
  }

  return {
    merge(availability) {
      const existing = entries.get(availability.userId);
      if (existing && existing.availability.version > availability.version) return;
      entries.set(availability.userId, { availability, validAt: now() });
    },
    remove(userId) {
      entries.delete(userId);
    },
    clear() {
      entries.clear();
    },
    get(userId) {
      const entry = entries.get(userId);
      return entry && countDown(entry);
    },
    all: () => [...entries.values()].map(countDown),
  };
}
