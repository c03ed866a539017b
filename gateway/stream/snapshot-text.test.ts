import { expect, test } from "vitest";
import type { StoredAgent } from "../store/agent.ts";
import { createChangeHistory } from "../store/change-history.ts";
import { toCursorText } from "../store/cursor.ts";
import { createReplica, emptyContents } from "../store/replica.ts";
import { createTestSubscriber } from "../test/test-subscriber.ts";
import { createTurns } from "../turns.ts";
import { createSharedSnapshot, type SnapshotText } from "./snapshot-text.ts";

/** Creates the snapshot of a replica with the agents from 1, and a clock that the test sets. */
function setUp(count: number) {
  const time = { nowMs: 0 };
  let position = 0;
  const history = createChangeHistory(0, { length: 1000 }).of("acme");
  const agents = Array.from({ length: count }, (_, index) => agent(index + 1));
  const replica = createReplica({ ...emptyContents("c", () => position, history), agents });
  const turns = createTurns();
  const snapshot = createSharedSnapshot({
    replica,
    nowMs: () => time.nowMs,
    takeTurn: () => turns.take("acme"),
  });
  let formatted = 0;
  const onFormatted = (agentCount: number): void => {
    formatted += agentCount;
  };
  return {
    time,
    replica,
    snapshot,
    read: () => snapshot.read(onFormatted),
    /** Returns the number of agents formatted since the last call. */
    formatted() {
      const since = formatted;
      formatted = 0;
      return since;
    },
    change(changed: StoredAgent) {
      position += 1;
      replica.apply(position, { cursor: toCursorText({ epoch: "c", position }), agent: changed });
    },
  };
}

function agent(userId: number, version = 1, endsAtMs?: number): StoredAgent {
  const wrapUp = endsAtMs === undefined ? {} : { wrapUp: { configuredSeconds: 30, endsAtMs } };
  return { userId, status: "available", version, updatedAt: 7, ...wrapUp };
}

/** Reads the users of a snapshot as a subscriber does. */
function toUsers({ pieces }: SnapshotText) {
  const subscriber = createTestSubscriber();
  for (const piece of pieces) subscriber.hear(String(piece));
  expect(subscriber.isCurrent()).toBe(true);
  return subscriber.users();
}

test("formats a long snapshot in turns of the event loop, once for all who ask meanwhile", async () => {
  const { read, formatted } = setUp(2_000);
  const reads = Array.from({ length: 30 }, read);
  let turns = 0;
  const count = (): void => {
    turns += 1;
    setImmediate(count);
  };
  const counting = setImmediate(count);
  const texts = await Promise.all(reads.map(async (text) => text));
  clearImmediate(counting);
  expect(turns).toBeGreaterThanOrEqual(5);
  expect(new Set(texts).size).toBe(1);
  expect(toUsers(texts[0] ?? { pieces: [], cursor: "" }).size).toBe(2_000);
  expect(formatted()).toBe(2_000);
});

test("formats a short snapshot, and a small part of a long one, at once", async () => {
  const short = setUp(800);
  expect(short.read()).not.toBeInstanceOf(Promise);
  const long = setUp(2_000);
  await long.read();
  long.formatted();
  long.change(agent(1, 2));
  const text = long.read();
  expect(text).not.toBeInstanceOf(Promise);
  expect(toUsers(await text).get(1)?.version).toBe(2);
  // The pieces of the agent and of the end.
  expect(long.formatted()).toBe(800);
});

test("has the changes that came before the call, also while an earlier snapshot is formatted", async () => {
  const { read, change } = setUp(2_000);
  const earlier = read();
  await new Promise(setImmediate);
  change(agent(3, 2));
  change(agent(2_001));
  const later = read();
  await earlier;
  const users = toUsers(await later);
  expect([users.get(3)?.version, users.size]).toEqual([2, 2_001]);
});

test("formats unchanged agents again only while a wrap-up time runs, and then each second", async () => {
  const { time, read, change, formatted } = setUp(800);
  change(agent(1, 2, 1_500));
  const counts: number[] = [];
  for (const nowMs of [0, 999, 1_000, 1_999, 2_000, 60_000]) {
    time.nowMs = nowMs;
    await read();
    counts.push(formatted());
  }
  expect(counts).toEqual([800, 0, 400, 0, 400, 0]);
});

test("drops a snapshot that was not read since the last time", async () => {
  const { snapshot, read, formatted } = setUp(10);
  await read();
  snapshot.clearUnread();
  await read();
  expect(formatted()).toBe(10);
  snapshot.clearUnread();
  snapshot.clearUnread();
  await read();
  expect(formatted()).toBe(10);
});

test("divides the agents again when many have come", async () => {
  const { read, change } = setUp(1);
  await read();
  for (let userId = 2; userId <= 1_300; userId += 1) {
    change(agent(userId));
    if (userId % 100 === 0) await read();
  }
  expect(toUsers(await read()).size).toBe(1_300);
});
