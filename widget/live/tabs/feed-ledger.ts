import type { ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { FeedEvent } from "../feed.ts";

/** Everything that a feed has told, so that it can be told again to whoever comes later. */
export interface FeedLedger {
  take(event: FeedEvent): void;
  /** What tells a reader who knows nothing all that is known. */
  retell(): FeedEvent[];
  /** Where a feed that begins now may resume; `undefined` where it has to begin anew. */
  cursor(): string | undefined;
}

interface Entry {
  readonly availability: ChangedAvailability;
  /** When it was made, on the clock. */
  readonly madeAt: number;
}

/** Creates an empty ledger. `now` is a monotonic clock, in milliseconds. */
export function createFeedLedger(now: () => number): FeedLedger {
  const entries = new Map<number, Entry>();
  let cursor: string | undefined;
  let isCurrent = false;

  return {
    take(event) {
      switch (event.type) {
        case "availability": {
          const { availability, ageMs } = event;
          entries.set(availability.userId, { availability, madeAt: now() - ageMs });
          break;
        }
        case "removal":
          entries.delete(event.userId);
          break;
        case "reset":
          entries.clear();
          isCurrent = false;
          cursor = undefined;
          break;
        case "current":
          isCurrent = true;
          break;
        case "refused":
          return;
      }
      // An empty one is none.
      cursor = (event.cursor ?? cursor) || undefined;
    },
    retell() {
      const told: FeedEvent[] = [{ type: "reset" }];
      for (const { availability, madeAt } of entries.values()) {
        told.push({ type: "availability", availability, ageMs: now() - madeAt });
      }
      if (isCurrent) told.push({ type: "current", ...(cursor !== undefined && { cursor }) });
      return told;
    },
    cursor: () => (isCurrent ? cursor : undefined),
  };
}
