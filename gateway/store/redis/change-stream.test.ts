import { expect, test } from "vitest";
import { systemClock } from "../../clock.ts";
import type { Change } from "../change-log.ts";
import { ChangeGapError, createChangeStream } from "./change-stream.ts";
import type { StreamEntry } from "./connection.ts";
import { createRedisClock } from "./redis-clock.ts";

const never = new AbortController().signal;
const clock = createRedisClock();

function setUp(foundAt: number) {
  const lines: string[] = [];
  const log = { warning: (line: string) => void lines.push(line) };
  const feed = createChangeStream({ epoch: "abc", foundAt, historyLength: 100, clock: systemClock, log });
  const take = (...entries: readonly StreamEntry[]) => feed.take(entries, clock);
  return { feed, take, lines };
}

function change(position: number, customer = "acme", version = position): StreamEntry {
  const agent = { userId: "1", version: `${version}`, updatedAt: "0", status: "available" };
  return { id: `${position}-0`, message: { customer, ...agent, wrapUpSeconds: "", wrapUpEndsAt: "" } };
}

function beginning(position: number, epoch: string): StreamEntry {
  return { id: `${position}-0`, message: { epoch } };
}

test("hands out each customer's changes to that customer's replica", () => {
  const { feed, take } = setUp(0);
  const heard: [number, Change][] = [];
  feed.follow("acme", { apply: (position, told) => void heard.push([position, told]) });
  take(beginning(1, "abc"), change(2), change(3, "globex"), change(4));
  expect(heard).toMatchObject([
    [2, { cursor: "abc-2", agent: { userId: 1, version: 2 } }],
    [4, { cursor: "abc-4" }],
  ]);
  expect(feed.historyOf("globex")).toMatchObject({ begin: 1, history: [{ position: 3 }] });
  expect([feed.position(), feed.highestVersion()]).toEqual([4, 4]);
});

test("begins at whatever the stream still has, and goes on from there without a gap", () => {
  const { feed, take } = setUp(12);
  take(change(10), change(11));
  expect(feed.historyOf("acme").begin).toBe(9);
  expect(() => take(change(13))).toThrow(ChangeGapError);
  expect(feed.position()).toBe(11);
});

test("passes over earlier epochs, with the gap that a loss has left, and remembers nothing of them", () => {
  const { feed, take } = setUp(20);
  take(beginning(1, "old"), change(2), beginning(20, "abc"));
  expect(feed.historyOf("acme")).toEqual({ begin: 20, history: [] });
});

test("ends where another gateway begins a new epoch", () => {
  const { take } = setUp(1);
  take(beginning(1, "abc"));
  expect(() => take(beginning(2, "new"))).toThrow(ChangeGapError);
});

test("lets others wait for a position, and leave", async () => {
  const { feed, take } = setUp(0);
  const leaving = new AbortController();
  const left = feed.reached(2, leaving.signal);
  const reached = feed.reached(2, never);
  leaving.abort("gone");
  await expect(left).rejects.toBe("gone");
  await expect(feed.reached(9, leaving.signal)).rejects.toBe("gone");
  take(beginning(1, "abc"), change(2));
  await reached;
  await feed.reached(1, never);
});
