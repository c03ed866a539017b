/** A shared worker's events for a late tab, from the earlier events of the feed. */
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { FeedEvent } from "../change-feed.ts";
import type { FollowedUsers } from "../followed-users.ts";
import { createFeedCache } from "./feed-cache.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

const FOLLOWED = new Set([1, 2]);
const HEARTBEAT: FeedEvent = { type: "heartbeat", ageMs: 0 };
const unreadable: FeedEvent = { type: "unreadable", userId: 2 };

function available(userId: number, ageMs = 0, version = 1): FeedEvent {
  return { type: "availability", availability: { userId, status: "available", version, updatedAt: 1 }, ageMs };
}

/** A cache of a feed with the followed users, after the given events. */
function cacheAfter(followed: FollowedUsers, ...events: readonly FeedEvent[]) {
  const cache = createFeedCache();
  for (const event of events) cache.apply(event, followed);
  return {
    apply: (event: FeedEvent) => cache.apply(event, followed),
    /** The events of the users' snapshot, each as type and user. */
    snapshotOf: (userIds: FollowedUsers) =>
      cache.toSnapshot(userIds).map((event) => {
        if (event.type === "availability") return `available ${event.availability.userId}`;
        return "userId" in event ? `${event.type} ${event.userId}` : event.type;
      }),
    agesOf: (userIds: FollowedUsers) =>
      cache.toSnapshot(userIds).flatMap((event) => ("ageMs" in event ? [event.ageMs] : [])),
  };
}

const SNAPSHOT = [{ type: "reset" }, available(1), unreadable, { type: "current" }, HEARTBEAT] as const;

test("has the age of an availability from the gateway, and the time since", () => {
  const { agesOf } = cacheAfter(FOLLOWED, { type: "reset" }, available(1, 2_000), { type: "current" }, HEARTBEAT);
  vi.advanceTimersByTime(1_000);
  expect(agesOf(FOLLOWED)).toEqual([3_000, 1_000]);
});

describe("a user whom the gateway cannot read", () => {
  test("is part of the snapshot of a tab that follows the user or all users, and of no other", () => {
    const one = cacheAfter(FOLLOWED, ...SNAPSHOT);
    expect(one.snapshotOf(new Set([2]))).toEqual(["reset", "unreadable 2", "current", "heartbeat"]);
    expect(one.snapshotOf(new Set([1]))).toEqual(["reset", "available 1", "current", "heartbeat"]);
    const all = cacheAfter(undefined, ...SNAPSHOT);
    expect(all.snapshotOf(undefined)).toEqual(["reset", "available 1", "unreadable 2", "current", "heartbeat"]);
  });

  test("has no availability from before", () => {
    const { snapshotOf } = cacheAfter(FOLLOWED, { type: "reset" }, available(2), unreadable, { type: "current" });
    expect(snapshotOf(FOLLOWED)).toEqual(["reset", "unreadable 2"]);
  });

  test.each<[string, FeedEvent, readonly string[]]>([
    ["is available again", available(2), ["available 2"]],
    ["is removed", { type: "removal", userId: 2, version: 2 }, []],
  ])("is no longer unreadable once the user %s", (_how, event, named) => {
    const { apply, snapshotOf } = cacheAfter(FOLLOWED, ...SNAPSHOT);
    apply(event);
    expect(snapshotOf(new Set([2]))).toEqual(["reset", ...named, "current", "heartbeat"]);
  });
});

test("has nothing from before a reset, and no `current` until the next snapshot has ended", () => {
  const { apply, snapshotOf } = cacheAfter(FOLLOWED, ...SNAPSHOT);
  apply({ type: "reset" });
  expect(snapshotOf(FOLLOWED)).toEqual(["reset"]);
  apply(available(1));
  apply(HEARTBEAT);
  expect(snapshotOf(new Set([1]))).toEqual(["reset", "available 1"]);
  apply({ type: "current" });
  expect(snapshotOf(FOLLOWED)).toEqual(["reset", "available 1", "current", "heartbeat"]);
});

test("has no `current` before the first snapshot has ended", () => {
  const { snapshotOf } = cacheAfter(FOLLOWED, HEARTBEAT, available(1));
  expect(snapshotOf(new Set([1]))).toEqual(["reset", "available 1"]);
});

test("has no `current` for a tab that follows a user whom the feed does not follow, besides those whom it follows", () => {
  const { snapshotOf } = cacheAfter(FOLLOWED, ...SNAPSHOT);
  expect(snapshotOf(new Set([1, 9]))).toEqual(["reset", "available 1"]);
  expect(snapshotOf(undefined)).toEqual(["reset", "available 1", "unreadable 2"]);
});
