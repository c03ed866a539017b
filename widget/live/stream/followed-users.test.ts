/** Tests of the streams and events of a feed with followed users. */
import { describe, expect, test, vi } from "vitest";
import { BridgeRejectionError } from "../../../shared/protocol/rejection.ts";
import { CURRENT, change, changed, createScriptedGateway, HEARTBEAT } from "./test-scripted-gateway.ts";

const RESET = "event: reset\nid\ndata: {}\n\n";

const upTo = (count: number): ReadonlySet<number> => new Set(Array.from({ length: count }, (_, index) => index + 1));

/** A user in a snapshot. */
const named = (userId: number, version = 1): string =>
  `event: availability\ndata: ${JSON.stringify(changed(userId, version))}\n\n`;

/** A feed of the given users, with a complete snapshot up to the cursor `a-1`. */
async function following(...userIds: readonly number[]) {
  const gateway = await createScriptedGateway(undefined, new Set(userIds));
  await gateway.stream().open();
  await gateway.stream().write(RESET + userIds.map((userId) => named(userId)).join("") + CURRENT);
  return gateway;
}

test("opens a stream of the followed users alone if they are a hundred at most, and otherwise that of all", async () => {
  const { feed, streams, pass } = await createScriptedGateway(undefined, upTo(100));
  expect(streams[0]?.userIds).toHaveLength(100);
  feed.follow(upTo(101));
  await pass(50);
  expect(streams.map(({ userIds }) => userIds?.length)).toEqual([100, undefined]);
  expect(streams[0]?.isAborted()).toBe(true);
});

test("opens one more stream, with a snapshot, for all users that join within 50 ms", async () => {
  const { feed, streams, stream, events, pass } = await following(1);
  feed.follow(new Set([1, 2]));
  await pass(49);
  feed.follow(new Set([1, 2, 3]));
  expect(streams[0]?.isAborted()).toBe(false);
  await pass(1);
  expect(streams.map(({ userIds, cursor }) => [userIds, cursor])).toEqual([
    [[1], undefined],
    [[1, 2, 3], undefined],
  ]);
  await pass(1_000);
  await stream().open();
  await stream().write(RESET + named(1) + named(2) + named(3) + CURRENT);
  expect(events.slice(3).map(({ type }) => type)).toEqual([
    "reset",
    "availability",
    "availability",
    "availability",
    "current",
  ]);
  expect(streams).toHaveLength(2);
});

test("reports changes of the users followed before, until the stream with the added users is opened", async () => {
  const { feed, stream, events } = await following(1);
  feed.follow(new Set([1, 2]));
  await stream().write(change(1, 2, "a-2"));
  expect(events.at(-1)).toMatchObject({ availability: { userId: 1, version: 2 } });
});

test("opens no other stream if users leave, come back, or are part of a stream of all", async () => {
  const { feed, streams, pass } = await following(1, 2);
  feed.follow(new Set([1]));
  feed.follow(new Set([1, 2]));
  await pass(1_000);
  expect(streams).toHaveLength(1);
  const all = await createScriptedGateway();
  all.feed.follow(new Set([1]));
  all.feed.follow(undefined);
  await all.pass(1_000);
  expect(all.streams).toHaveLength(1);
});

test("names the users that are left, and resumes, when the stream is opened again", async () => {
  const { feed, streams, stream, pass } = await following(1, 2);
  feed.follow(new Set([2]));
  await stream().write(change(2, 2, "a-2"));
  await stream().disconnect();
  await pass(1_000);
  expect([stream().userIds, stream().cursor, streams.length]).toEqual([[2], "a-2", 2]);
});

test("starts with a snapshot for a user that has left, if the stream was opened again without the user", async () => {
  const { feed, stream, pass } = await following(1, 2);
  feed.follow(new Set([2]));
  await stream().disconnect();
  await pass(1_000);
  await stream().open();
  await stream().write(change(2, 2, "a-2"));
  feed.follow(new Set([1, 2]));
  await pass(50);
  expect([stream().userIds, stream().cursor]).toEqual([[1, 2], undefined]);
});

test("starts with a snapshot if users have joined while no stream was open", async () => {
  const { feed, stream, pass } = await following(1);
  await stream().disconnect();
  feed.follow(new Set([1, 2]));
  await pass(1_000);
  expect([stream().userIds, stream().cursor]).toEqual([[1, 2], undefined]);
});

test("completes no snapshot that lacks a followed user, even if the user has left again", async () => {
  const { feed, streams, stream, events, heartbeats, pass } = await createScriptedGateway(undefined, new Set([1]));
  await stream().open();
  feed.follow(new Set([1, 2]));
  await stream().write(RESET + named(1) + CURRENT + change(1, 2, "a-2"));
  feed.follow(new Set([1]));
  expect(events.map(({ type, cursor }) => [type, cursor])).toEqual([
    ["reset", undefined],
    ["availability", undefined],
    ["availability", undefined],
  ]);
  expect(heartbeats).toEqual([]);
  await pass(50);
  expect([streams.length, stream().userIds, stream().cursor]).toEqual([2, [1], undefined]);
});

test("ignores users that it does not follow, whom a gateway of an older release sends", async () => {
  const { events, stream, pass } = await following(1);
  await stream().write(change(7, 2, "a-2"));
  await stream().write('event: removal\nid: a-3\ndata: {"userId":8,"version":3}\n\n');
  expect(events).toHaveLength(3);
  await stream().disconnect();
  await pass(1_000);
  expect(stream().cursor).toBe("a-3");
});

const list = (cursor: string, ...userIds: readonly number[]) => ({
  availabilities: userIds.map((userId) => changed(userId, 1)),
  ageMs: 0,
  cursor,
  etag: undefined,
});

/** A feed that follows user 1 by polling, after two silent streams and two responses up to the cursor `b-1`. */
async function polling() {
  const gateway = await createScriptedGateway(undefined, new Set([1]));
  await gateway.pass(30_000);
  await gateway.snapshotCall().respond(list("b-1", 1));
  await gateway.pass(18_000);
  await gateway.snapshotCall().respond(undefined);
  await gateway.pass(12_000);
  return gateway;
}

describe("while it polls", () => {
  test("requests the followed users alone, and at once if users join, as a new snapshot", async () => {
    const { feed, events, streams, snapshotCalls, snapshotCall, pass } = await polling();
    feed.follow(new Set([1, 2]));
    await pass(50);
    expect(snapshotCalls.map(({ userIds }) => userIds)).toEqual([[1], [1], [1, 2]]);
    await snapshotCall().respond(list("b-2", 1, 2));
    const types = ["reset", "availability", "current", "reset", "availability", "availability", "current"];
    expect(events.map(({ type }) => type)).toEqual(types);
    expect(streams).toHaveLength(2);
  });

  test("resumes the stream from the latest list, also for users that have joined since the last stream", async () => {
    const { feed, stream, snapshotCall, pass } = await polling();
    feed.follow(new Set([1, 2]));
    await pass(50);
    await snapshotCall().respond(list("b-2", 1, 2));
    feed.checkConnection();
    await pass(0);
    expect([stream().userIds, stream().cursor]).toEqual([[1, 2], "b-2"]);
  });

  test("completes no snapshot that lacks a followed user", async () => {
    const { feed, events, snapshotCalls, snapshotCall, pass } = await createScriptedGateway(undefined, new Set([1]));
    await pass(30_000);
    feed.follow(new Set([1, 2]));
    await snapshotCall().respond(list("b-1", 1));
    expect(events).toEqual([]);
    await pass(50);
    await snapshotCall().respond(list("b-2", 1, 2));
    expect([events.at(-1), snapshotCalls.length]).toEqual([{ type: "current", cursor: "b-2" }, 2]);
  });

  test("gives no sign of life with a list that it does not report, because a user has joined since the poll", async () => {
    const { feed, heartbeats, snapshotCall, pass } = await polling();
    await pass(18_000);
    const before = heartbeats.length;
    feed.follow(new Set([1, 2]));
    await snapshotCall().respond(list("b-2", 1));
    expect(heartbeats).toHaveLength(before);
    await pass(50);
    await snapshotCall().respond(list("b-3", 1, 2));
    expect(heartbeats).toHaveLength(before + 1);
  });

  test("goes on polling if the first poll is replaced by one with the added users", async () => {
    const { feed, events, snapshotCalls, snapshotCall, pass } = await createScriptedGateway(undefined, new Set([1]));
    await pass(30_000);
    feed.follow(new Set([1, 2]));
    await pass(50);
    await snapshotCall().respond(list("b-2", 1, 2));
    expect(events.some(({ type }) => type === "stale")).toBe(false);
    await pass(18_000);
    expect(snapshotCalls.length).toBeGreaterThan(2);
  });

  test("reports no removal of a user who is followed no longer, or again", async () => {
    const { feed, events, snapshotCall, pass } = await createScriptedGateway(undefined, new Set([1, 2]));
    await pass(30_000);
    await snapshotCall().respond(list("b-1", 1, 2));
    feed.follow(new Set([1]));
    await pass(18_000);
    await snapshotCall().respond(list("b-2", 1));
    feed.follow(new Set([1, 2]));
    await pass(50);
    await snapshotCall().respond(list("b-3", 1, 2));
    expect(events.some(({ type }) => type === "removal")).toBe(false);
  });

  test("starts the stream anew for a user who comes back after a poll without the user, if the stream resumed before the poll", async () => {
    const { feed, stream, snapshotCall, pass } = await createScriptedGateway(undefined, new Set([1, 2]));
    await pass(30_000);
    await snapshotCall().respond(list("b-1", 1, 2));
    expect([stream().userIds, stream().cursor]).toEqual([[1, 2], "b-1"]);
    feed.follow(new Set([1]));
    await pass(18_000);
    await snapshotCall().respond(list("b-2", 1));
    feed.follow(new Set([1, 2]));
    await stream().open();
    await stream().write(HEARTBEAT);
    await pass(50);
    expect([stream().userIds, stream().cursor]).toEqual([[1, 2], undefined]);
  });

  test("opens the stream for a user who joins, also if a poll has reported the user first", async () => {
    const { feed, stream, snapshotCall, pass } = await createScriptedGateway(undefined, new Set([1]));
    await pass(30_000);
    await snapshotCall().respond(list("b-1", 1));
    await pass(17_980);
    feed.follow(new Set([1, 2]));
    // The next poll is due before the stream.
    await pass(20);
    expect([snapshotCall().userIds, stream().userIds]).toEqual([[1, 2], [1]]);
    await snapshotCall().respond(list("b-2", 1, 2));
    await pass(30);
    expect([stream().userIds, stream().cursor]).toEqual([[1, 2], "b-2"]);
  });

  test("sends no poll because users leave", async () => {
    const { feed, snapshotCalls, pass } = await createScriptedGateway(undefined, new Set([1, 2]));
    await pass(30_000);
    feed.follow(new Set([1]));
    await pass(50);
    expect(snapshotCalls).toHaveLength(1);
  });
});

test("opens the stream for added users at once, without the delay that follows a failure", async () => {
  const { feed, streams, stream, pass } = await createScriptedGateway(undefined, new Set([1]));
  for (const delayMs of [1_000, 2_000, 4_000]) {
    await stream().fail(new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached"));
    await pass(delayMs);
  }
  feed.follow(new Set([1, 2]));
  await pass(50);
  expect(streams).toHaveLength(5);
});

test("resumes from the cursor of a `current` that comes with a heartbeat, because other users have changed", async () => {
  const { events, heartbeats, stream, pass } = await following(1);
  await stream().write(CURRENT.replace("a-1", "a-9") + HEARTBEAT);
  expect([events.at(-1), heartbeats.length]).toEqual([{ type: "current", cursor: "a-9" }, 3]);
  await stream().disconnect();
  await pass(1_000);
  expect(stream().cursor).toBe("a-9");
});

test("gives a sign of life with the snapshot of the added users, and with heartbeats until then", async () => {
  const { feed, stream, heartbeats, events, pass } = await following(1);
  feed.follow(new Set([1, 2]));
  await stream().write(HEARTBEAT);
  await pass(50);
  await stream().open();
  await stream().write(RESET + named(1) + named(2) + CURRENT);
  expect(heartbeats).toHaveLength(3);
  expect(events.some(({ type }) => type === "stale")).toBe(false);
});

test("opens nothing after it is closed", async () => {
  const { feed, streams, pass } = await following(1);
  feed.follow(new Set([1, 2]));
  feed.close();
  feed.follow(new Set([1, 2, 3]));
  expect(vi.getTimerCount()).toBe(0);
  await pass(1_000);
  expect([streams.length, vi.getTimerCount()]).toEqual([1, 0]);
});
