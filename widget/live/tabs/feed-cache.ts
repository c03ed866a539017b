import type { ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { FeedEvent } from "../change-feed.ts";

/** Caches the state of a feed, so that a tab that joins later gets a snapshot. */
export interface FeedCache {
  apply(event: FeedEvent): void;
  /** Returns the state as the events of a snapshot. */
  toSnapshot(): FeedEvent[];
  /** The position from which a new feed can resume; `undefined` if the snapshot is incomplete. */
  cursor(): string | undefined;
}

interface Entry {
  readonly availability: ChangedAvailability;
  /** Time of the availability, on the monotonic clock. */
  readonly validAt: number;
}

/** Creates an empty cache. `now` is a monotonic clock, in milliseconds. */
export function createFeedCache(now: () => number): FeedCache {
  const entries = new Map<number, Entry>();
  let cursor: string | undefined;
  let isCurrent = false;
  /** Time of the latest heartbeat, on the monotonic clock. */
  let heardAt = Number.NEGATIVE_INFINITY;

  return {
    apply(event) {
      switch (event.type) {
        case "availability": {
          const { availability, ageMs } = event;
          entries.set(availability.userId, { availability, validAt: now() - ageMs });
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
        case "heartbeat":
          heardAt = now() - event.ageMs;
          return;
        case "stale":
          heardAt = Number.NEGATIVE_INFINITY;
          return;
        case "unauthorized":
          return;
      }
      // An empty cursor means no position.
      cursor = (event.cursor ?? cursor) || undefined;
    },
    toSnapshot() {
      const events: FeedEvent[] = [{ type: "reset" }];
      for (const { availability, validAt } of entries.values()) {
        events.push({ type: "availability", availability, ageMs: now() - validAt });
      }
      if (isCurrent) events.push({ type: "current", ...(cursor !== undefined && { cursor }) });
      if (Number.isFinite(heardAt)) events.push({ type: "heartbeat", ageMs: now() - heardAt });
      return events;
    },
    cursor: () => (isCurrent ? cursor : undefined),
  };
}
