import type { FeedEvent } from "../change-feed.ts";
import type { LiveSnapshot } from "./live-api.ts";

/**
 * Creates a function that turns snapshots into stream events: the first snapshot in full, and for each later snapshot the changes since the
 * previous. A snapshot that lacks a user of the previous one is given in full as well: a snapshot has no version of the removal, and may
 * come from a gateway that is behind the one before, after which the user returns in the same version. Only the last event of a
 * snapshot carries the new cursor.
 */
export function createSnapshotDiff(): (snapshot: LiveSnapshot, cursor: string | undefined) => readonly FeedEvent[] {
  let lastVersions: ReadonlyMap<number, number> | undefined;
  return ({ availabilities, unreadable = [], ageMs, cursor }, currentCursor) => {
    const current = new Map(availabilities.map(({ userId, version }) => [userId, version]));
    const isNamed = (userId: number): boolean => current.has(userId) || unreadable.includes(userId);
    const previous = lastVersions && [...lastVersions.keys()].every(isNamed) ? lastVersions : undefined;
    const events: FeedEvent[] = previous ? [] : [{ type: "reset" }];
    const cursorOfChange = previous && currentCursor !== undefined ? { cursor: currentCursor } : {};
    for (const availability of availabilities) {
      if (previous?.get(availability.userId) === availability.version) continue;
      events.push({ type: "availability", availability, ageMs, ...cursorOfChange });
    }
    for (const userId of unreadable) events.push({ type: "unreadable", userId });
    lastVersions = current;
    return [...events, { type: "current", cursor }];
  };
}
