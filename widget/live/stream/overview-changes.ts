import type { FeedEvent } from "../feed.ts";
import type { Overview } from "./feed-calls.ts";

/**
 * Creates what tells of one overview after another as a stream would have: the first is a snapshot, each later one the
 * changes since the one before it. Only the last event of each leads on from there.
 */
export function createOverviewChanges(): (overview: Overview, cursor: string | undefined) => readonly FeedEvent[] {
  let known: ReadonlyMap<number, number> | undefined;
  return ({ availabilities, ageMs, cursor }, heldCursor) => {
    const before = known ?? new Map<number, number>();
    const events: FeedEvent[] = known ? [] : [{ type: "reset" }];
    const held = known && heldCursor !== undefined ? { cursor: heldCursor } : {};
    const now = new Map(availabilities.map(({ userId, version }) => [userId, version]));
    for (const availability of availabilities) {
      if (before.get(availability.userId) === availability.version) continue;
      events.push({ type: "availability", availability, ageMs, ...held });
    }
    for (const [userId, version] of before) {
      // The removal has a version that is not told. It is above the last one, and below that of a user who is back.
      if (!now.has(userId)) events.push({ type: "removal", userId, version: version + 1, ...held });
    }
    known = now;
    return [...events, { type: "current", cursor }];
  };
}
