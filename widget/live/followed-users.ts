import type { FeedEvent } from "./change-feed.ts";

/** Users followed by a feed; `undefined` for all. */
export type FollowedUsers = ReadonlySet<number> | undefined;

/** Maximum number of users of a stream, as the gateway limits them. More users take the stream of all. */
export const MAX_STREAMED_USERS = 100;

/** Limits followed users to those that fit into an address, otherwise to all. */
export function toStreamed(users: FollowedUsers): FollowedUsers {
  return users && users.size <= MAX_STREAMED_USERS ? users : undefined;
}

/** True if the first users are all that the second ones are, or more. */
export function covers(users: FollowedUsers, others: FollowedUsers): boolean {
  if (!users || !others) return !users;
  return [...others].every((userId) => users.has(userId));
}

/** True for a change of these users, and for what the feed says of itself. */
export function concerns(event: FeedEvent, users: FollowedUsers): boolean {
  if (!users) return true;
  if (event.type === "availability") return users.has(event.availability.userId);
  return !("userId" in event) || users.has(event.userId);
}
