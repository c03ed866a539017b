import type { ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { FeedEvent } from "../change-feed.ts";
import { concerns, type FollowedUsers } from "../followed-users.ts";

/**
 * Age of the latest heartbeat up to which the cache says who is missing, in milliseconds: the gateway's interval, and time for a slow
 * network.
 */
const MAX_HEARTBEAT_AGE_MS = 20_000;

/** Creates an empty cache of a feed's state, from which a tab that joins later gets a snapshot. */
export function createFeedCache() {
  /** Availabilities of users, each with its time on the monotonic clock. */
  const entries = new Map<number, { readonly availability: ChangedAvailability; readonly validAt: number }>();
  /** The last event of users without an availability since the last snapshot began: `unreadable` or `removal`. */
  const withoutAvailability = new Map<number, FeedEvent>();
  /** The users of the latest snapshot. */
  let covered: FollowedUsers = new Set();
  let isCurrent = false;
  /** Time of the latest heartbeat, on the monotonic clock. */
  let heardAt = Number.NEGATIVE_INFINITY;

  function isCovered(userIds: FollowedUsers): boolean {
    const users = covered;
    if (!users || !userIds) return !users;
    return [...userIds].every((userId) => users.has(userId) || entries.has(userId));
  }

  /** The last event of each of these users. */
  function lastEvents(userIds: FollowedUsers): FeedEvent[] {
    const now = performance.now();
    const known = [...entries.values()].map(
      ({ availability, validAt }): FeedEvent => ({ type: "availability", availability, ageMs: now - validAt }),
    );
    return [...known, ...withoutAvailability.values()].filter((event) => concerns(event, userIds));
  }

  /**
   * Returns the end of a snapshot of these users, and a heartbeat. Returns no event if the feed has not reported all of them, or has been
   * silent: the gateway may have introduced a user since then, and the tab may have that user from a response, while the cache does not.
   */
  function endOfSnapshot(userIds: FollowedUsers): FeedEvent[] {
    const ageMs = performance.now() - heardAt;
    if (!isCurrent || !isCovered(userIds) || ageMs > MAX_HEARTBEAT_AGE_MS) return [];
    return [{ type: "current" }, { type: "heartbeat", ageMs }];
  }

  return {
    /** Applies an event of a feed that follows these users. */
    apply(event: FeedEvent, followed: FollowedUsers): void {
      const now = performance.now();
      if (event.type === "availability") {
        const { availability, ageMs } = event;
        entries.set(availability.userId, { availability, validAt: now - ageMs });
        withoutAvailability.delete(availability.userId);
      } else if (event.type === "removal" || event.type === "unreadable") {
        entries.delete(event.userId);
        withoutAvailability.set(event.userId, event);
      } else if (event.type === "heartbeat") heardAt = now - event.ageMs;
      else if (event.type === "stale") heardAt = Number.NEGATIVE_INFINITY;
      else {
        isCurrent = event.type === "current";
        covered = followed;
        if (!isCurrent) {
          entries.clear();
          withoutAvailability.clear();
        }
      }
    },
    /** Returns the events of a snapshot of these users, with its end as far as the cache can tell. */
    toSnapshot(userIds: FollowedUsers): readonly FeedEvent[] {
      const events = lastEvents(userIds).filter(({ type }) => type !== "removal");
      return [{ type: "reset" }, ...events, ...endOfSnapshot(userIds)];
    },
    /**
     * Returns the last event of each user that is not among the tab's users `before`. With removals: the feed may have reported one
     * while the tab's message was on its way, and the tab may have an older response with the user. With the end of a snapshot that
     * the tab may have begun with the users `before`.
     */
    toAdditions(userIds: FollowedUsers, before: FollowedUsers): readonly FeedEvent[] {
      return [...lastEvents(userIds).filter((event) => !concerns(event, before)), ...endOfSnapshot(userIds)];
    },
  };
}
