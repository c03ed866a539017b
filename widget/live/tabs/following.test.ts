/** What a tab does where it hears its leader, and gets no snapshot of it: none comes, or none that this release can read. */
import { expect, test } from "vitest";
import type { FeedEvent } from "../feed.ts";
import { changed } from "../stream/test-scripted-gateway.ts";
import { createFollowing } from "./following.ts";

/** A follower of one leader, and the time, which passes from one of its timers to the next. */
function follow(onAsked: (ask: "hello" | "ping") => void = () => {}) {
  let now = 0;
  let due: { readonly at: number; readonly task: (lateMs: number) => void } | undefined;
  const askedAt: number[] = [];
  const told: FeedEvent[] = [];
  let timesMissing = 0;
  const following = createFollowing({
    clock: {
      now: () => now,
      wallMs: () => now,
      after(delayMs, task) {
        const timer = { at: now + delayMs, task };
        due = timer;
        return () => {
          if (due === timer) due = undefined;
        };
      },
    },
    random: () => 0.5,
    cursor: () => undefined,
    ask(type) {
      askedAt.push(now);
      onAsked(type);
    },
    onEvent: (event) => told.push(event),
    onMissing() {
      timesMissing += 1;
    },
  });

  return {
    following,
    askedAt,
    told,
    timesMissing: () => timesMissing,
    passUntil(end: number): void {
      for (let next = due; next && next.at <= end; next = due) {
        due = undefined;
        now = next.at;
        next.task(0);
      }
    },
    lead: (count: number) => void following.hearLeader({ type: "lead", from: "leader", term: 1, told: count }),
    tell(type: "news" | "snapshot", count: number): void {
      const events: FeedEvent[] = [{ type: "availability", availability: changed(1, count), ageMs: 0 }];
      following.hearLeader({ type, from: "leader", term: 1, told: count, sentAt: now, events });
    },
  };
}

test("asks a leader that is there ever more slowly, up to every 30 s, and does not take it for gone", () => {
  const world = follow(() => world.lead(1));
  world.lead(1);
  world.passUntil(100_000);
  const gaps = world.askedAt.slice(1).map((at, index) => at - (world.askedAt[index] ?? 0));
  expect(gaps).toEqual([1_000, 1_000, 1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(world.timesMissing()).toBe(0);
});

test("asks at the first pace again once a snapshot has come", () => {
  const world = follow(() => world.lead(1));
  world.lead(1);
  world.passUntil(20_000);
  world.tell("snapshot", 1);
  const before = world.askedAt.length;
  world.lead(2);
  world.lead(2);
  const lostAt = world.askedAt[before] ?? 0;
  world.passUntil(lostAt + 1_000);
  expect(world.askedAt.slice(before)).toEqual([lostAt, lostAt + 1_000]);
});

test("takes a leader for gone at the first pace once it is heard no more, however slowly it was asked before", () => {
  let isThere = true;
  const world = follow(() => isThere && world.lead(1));
  world.lead(1);
  world.passUntil(40_000);
  isThere = false;
  const last = world.askedAt.at(-1) ?? 0;
  world.passUntil(last + 30_000 + 30_000 + 2_000);
  expect(world.timesMissing()).toBeGreaterThan(0);
});

/** A follower that was told of a hundred and fifty changes before a snapshot. */
function followEarlyNews() {
  const world = follow();
  world.lead(0);
  for (let count = 1; count <= 150; count += 1) world.tell("news", count);
  return world;
}

test("holds the last hundred news until a snapshot comes", () => {
  const world = followEarlyNews();
  const before = world.askedAt.length;
  world.tell("snapshot", 60);
  expect(world.told).toHaveLength(1 + 90);
  expect(world.askedAt).toHaveLength(before);
});

test("asks for another snapshot where one tells less than was told before the news that are held", () => {
  const world = followEarlyNews();
  const before = world.askedAt.length;
  world.tell("snapshot", 40);
  expect(world.told).toHaveLength(1);
  expect(world.askedAt).toHaveLength(before + 1);
});
