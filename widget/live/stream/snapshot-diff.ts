import type { FeedEvent } from "../change-feed.ts";
import type { LiveSnapshot } from "./live-api.ts";

/**
 * Creates a function that turns snapshots into stream events: the first snapshot in full, and for each later snapshot
 * the changes since the previous. Only the last event of a snapshot carries the new cursor.
 */
export function createSnapshotDiff(): (snapshot: LiveSnapshot, cursor: string | undefined) => readonly FeedEvent[] {
  let lastVersions: ReadonlyMap<number, number> | undefined;
  return ({ availabilities, ageMs, cursor }, currentCursor) => {
    const previous = lastVersions ?? new Map<number, number>();
    const events: FeedEvent[] = lastVersions ? [] : [{ type: "reset" }];
    const cursorOfChange = lastVersions && currentCursor !== undefined ? { cursor: currentCursor } : {};
    const current = new Map(availabilities.map(({ userId, version }) => [userId, version]));
    for (const availability of availabilities) {
      if (previous.get(availability.userId) === availability.version) continue;
      events.push({ type: "availability", availability, ageMs, ...cursorOfChange });
    }
    for (const [userId, version] of previous) {
      // A snapshot does not contain the version of a removal: above the last version, and below a returning user's.
      if (!current.has(userId)) events.push({ type: "removal", userId, version: version + 1, ...cursorOfChange });
    }
    lastVersions = current;
    return [...events, { type: "current", cursor }];
  };
}
