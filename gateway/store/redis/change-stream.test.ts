import { expect, test } from "vitest";
import { systemClock } from "../../clock.ts";
import type { Change } from "../change-history.ts";
import { createReplica, emptyContents } from "../replica.ts";
import { ChangeGapError, createChangeStream } from "./change-stream.ts";
import type { StreamEntry } from "./connection.ts";
import { createRedisClock } from "./redis-clock.ts";

const never = new AbortController().signal;
const clock = createRedisClock();

function setUp(attachPosition: number) {
  const lines: string[] = [];
  const log = { warning: (line: string) => void lines.push(line) };
  const stream = createChangeStream({ epoch: "abc", attachPosition, historyLength: 100, clock: systemClock, log });
  const append = (...entries: readonly StreamEntry[]) => stream.append(entries, clock);
  return { stream, append, lines };
}

function change(position: number, customer = "acme", version = position): StreamEntry {
  const agent = { userId: "1", version: `${version}`, updatedAt: "0", status: "available" };
  return { id: `${position}-0`, message: { customer, ...agent, wrapUpSeconds: "", wrapUpEndsAt: "" } };
}

function epochStart(position: number, epoch: string): StreamEntry {
  return { id: `${position}-0`, message: { epoch } };
}

test("applies each customer's changes to that customer's replica", () => {
  const { stream, append } = setUp(0);
  const received: [number, Change][] = [];
  stream.subscribe("acme", { apply: (position, applied) => void received.push([position, applied]), erase: () => {} });
  append(epochStart(1, "abc"), change(2), change(3, "globex"), change(4));
  expect(received).toMatchObject([
    [2, { cursor: "abc-2", agent: { userId: 1, version: 2 } }],
    [4, { cursor: "abc-4" }],
  ]);
  const history = stream.historyOf("globex");
  expect([history.since(0), history.since(1)]).toMatchObject([undefined, [{ position: 3 }]]);
  expect([stream.position(), stream.highestVersion()]).toEqual([4, 4]);
});

test("starts at the oldest entry of the stream and continues without a gap", () => {
  const { stream, append } = setUp(12);
  append(change(10), change(11));
  const history = stream.historyOf("acme");
  expect([history.since(8), history.since(9)]).toMatchObject([undefined, [{ position: 10 }, { position: 11 }]]);
  expect(() => append(change(13))).toThrow(ChangeGapError);
  expect(stream.position()).toBe(11);
});

test("skips earlier epochs, gaps included, and keeps none of their changes", () => {
  const { stream, append } = setUp(20);
  append(epochStart(1, "old"), change(2), epochStart(20, "abc"));
  const history = stream.historyOf("acme");
  expect([history.since(19), history.since(20)]).toEqual([undefined, []]);
});

test("throws when another gateway starts a new epoch", () => {
  const { append } = setUp(1);
  append(epochStart(1, "abc"));
  expect(() => append(epochStart(2, "new"))).toThrow(ChangeGapError);
});

test("resolves waiters at their position and rejects aborted ones", async () => {
  const { stream, append } = setUp(0);
  const leaving = new AbortController();
  const aborted = stream.waitFor(2, leaving.signal);
  const reached = stream.waitFor(2, never);
  leaving.abort("gone");
  await expect(aborted).rejects.toBe("gone");
  await expect(stream.waitFor(9, leaving.signal)).rejects.toBe("gone");
  append(epochStart(1, "abc"), change(2));
  await reached;
  await stream.waitFor(1, never);
});

test("keeps as many changes after ten times its length as after once, over many loaded customers", () => {
  const { stream, append } = setUp(0);
  const customers = Array.from({ length: 50 }, (_, index) => `customer-${index}`);
  const replicas = customers.map((customer) => {
    const replica = createReplica(emptyContents("abc", stream.position, stream.historyOf(customer)));
    stream.subscribe(customer, replica);
    return replica;
  });
  append(epochStart(1, "abc"));
  const sizes: number[] = [];
  for (let position = 2; position <= 1_001; position += 1) {
    append(change(position, customers[position % 50]));
    if (position % 100 === 1) sizes.push(stream.historySize().entries);
  }
  expect(sizes).toHaveLength(10);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(110);
  // No replica has a copy: together the replicas can replay the stream's entries, and no earlier change.
  const start = stream.position() - stream.historySize().entries;
  const replayed = replicas.map((replica) => replica.changesSince(`abc-${start}`)?.length ?? 0);
  expect(replayed.reduce((sum, count) => sum + count, 0)).toBe(stream.historySize().entries);
  expect(replicas[0]?.changesSince(`abc-${start - 1}`)).toBeUndefined();
});
