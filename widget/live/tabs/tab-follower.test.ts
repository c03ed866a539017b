/** Tests of a follower with a leader that is present but sends no readable snapshot. */
import { expect, test } from "vitest";
import type { FeedEvent } from "../change-feed.ts";
import { changed } from "../stream/test-scripted-gateway.ts";
import { createTabFollower } from "./tab-follower.ts";

/** A follower of one leader, on a clock that advances from timer to timer. */
function follow(onAsked: (ask: "hello" | "ping") => void = () => {}) {
  let now = 0;
  let due: { readonly at: number; readonly task: (lateMs: number) => void } | undefined;
  const requestTimes: number[] = [];
  const told: FeedEvent[] = [];
  let lossCount = 0;
  const following = createTabFollower({
    clock: {
      now: () => now,
      epochMs: () => now,
      setTimer(delayMs, task) {
        const timer = { at: now + delayMs, task };
        due = timer;
        return () => {
          if (due === timer) due = undefined;
        };
      },
    },
    random: () => 0.5,
    cursor: () => undefined,
    send(type) {
      requestTimes.push(now);
      onAsked(type);
    },
    onEvent: (event) => told.push(event),
    onLeaderLost() {
      lossCount += 1;
    },
  });

  return {
    following,
    askedAt: requestTimes,
    told,
    lossCount: () => lossCount,
    passUntil(end: number): void {
      for (let next = due; next && next.at <= end; next = due) {
        due = undefined;
        now = next.at;
        next.task(0);
      }
    },
    lead: (count: number) => void following.handleLeaderMessage({ type: "lead", from: "leader", term: 1, told: count }),
    sendEvents(type: "news" | "snapshot", count: number): void {
      const events: FeedEvent[] = [{ type: "availability", availability: changed(1, count), ageMs: 0 }];
      following.handleLeaderMessage({ type, from: "leader", term: 1, told: count, sentAt: now, events });
    },
  };
}

test("requests a snapshot from a present leader with growing delays up to 30 s, and does not report the leader lost", () => {
  const world = follow(() => world.lead(1));
  world.lead(1);
  world.passUntil(100_000);
  const gaps = world.askedAt.slice(1).map((at, index) => at - (world.askedAt[index] ?? 0));
  expect(gaps).toEqual([1_000, 1_000, 1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(world.lossCount()).toBe(0);
});

test("resets the delay after a snapshot", () => {
  const world = follow(() => world.lead(1));
  world.lead(1);
  world.passUntil(20_000);
  world.sendEvents("snapshot", 1);
  const before = world.askedAt.length;
  world.lead(2);
  world.lead(2);
  const lostAt = world.askedAt[before] ?? 0;
  world.passUntil(lostAt + 1_000);
  expect(world.askedAt.slice(before)).toEqual([lostAt, lostAt + 1_000]);
});

test("reports a silent leader lost with the first delay, however long the delay was before", () => {
  let isThere = true;
  const world = follow(() => isThere && world.lead(1));
  world.lead(1);
  world.passUntil(40_000);
  isThere = false;
  const last = world.askedAt.at(-1) ?? 0;
  world.passUntil(last + 30_000 + 30_000 + 2_000);
  expect(world.lossCount()).toBeGreaterThan(0);
});

/** A follower with a hundred and fifty updates before a snapshot. */
function followWithEarlyUpdates() {
  const world = follow();
  world.lead(0);
  for (let count = 1; count <= 150; count += 1) world.sendEvents("news", count);
  return world;
}

test("buffers the last hundred updates until a snapshot arrives", () => {
  const world = followWithEarlyUpdates();
  const before = world.askedAt.length;
  world.sendEvents("snapshot", 60);
  expect(world.told).toHaveLength(1 + 90);
  expect(world.askedAt).toHaveLength(before);
});

test("requests another snapshot if the snapshot ends before the first buffered update", () => {
  const world = followWithEarlyUpdates();
  const before = world.askedAt.length;
  world.sendEvents("snapshot", 40);
  expect(world.told).toHaveLength(1);
  expect(world.askedAt).toHaveLength(before + 1);
});
