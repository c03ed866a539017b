/** Snapshots and changes as the hub formats them, once for many subscribers. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { createChangeHistory } from "../store/change-history.ts";
import { createReplica, emptyContents } from "../store/replica.ts";
import type { TestSubscriber } from "../test/test-subscriber.ts";
import { createStreamHub } from "./stream-hub.ts";
import { openTestConnection } from "./test-connection.ts";
import { agents, createFollower, createSource, expectAll, settle } from "./test-follower.ts";
import { MANY } from "./test-gateways.ts";

test.each([
  ["all users", undefined, [2, 9]],
  ["some users", new Set([1, 2, 3]), [2]],
])("names in a snapshot of %s the agents that exist and cannot be read", async (_whose, userIds, expected) => {
  const contents = emptyContents("c", () => 0, createChangeHistory(0, { length: 10 }).of("acme"));
  const replica = createReplica({ ...contents, agents: agents(1), unreadable: [2, 9] });
  const hub = createStreamHub();
  onTestFinished(hub.close);
  const connection = await openTestConnection();
  const { response } = connection;
  response.writeHead(200);
  hub.open({ customer: "demo", replica, userIds, response, lastEventId: undefined, endsAtMs: undefined });
  await expect.poll(() => connection.hasUnread()).toBe(true);
  const named = [...connection.read().matchAll(/^event: unreadable\ndata: \{"userId":(\d+)\}\n\n/gm)];
  expect(named.map(([, userId]) => Number(userId))).toEqual(expected);
});

/** Subscribers of all users on one hub, each with the first snapshot. */
async function followByMany(count: number, source: ReturnType<typeof createSource>) {
  const hub = createStreamHub();
  onTestFinished(hub.close);
  const followers = Array.from({ length: count }, () => createFollower());
  await settle(followers, hub, source.replica);
  return followers;
}

test("formats one snapshot for all subscribers of all users", async () => {
  const source = createSource(agents(10));
  const readAgents = vi.spyOn(source.replica, "agents");
  const followers = await followByMany(20, source);
  expect(readAgents).toHaveBeenCalledTimes(1);
  for (const follower of followers) expectAll(follower, source.replica);
});

/** Opens two streams of all users on a hub, and makes the changes in between. */
async function followAfterAnother(
  source: ReturnType<typeof createSource>,
  change: () => void,
): Promise<TestSubscriber> {
  // The second stream opens within the time for which a snapshot is shared.
  const hub = createStreamHub({ clock: { wallMs: () => 0, monotonicMs: () => 0 } });
  onTestFinished(hub.close);
  await settle([createFollower()], hub, source.replica);
  change();
  const second = createFollower();
  await settle([second], hub, source.replica);
  expectAll(second, source.replica);
  return second.subscriber;
}

test("begins a stream with no lower version than the present one, right after another stream has begun", async () => {
  const source = createSource(agents(1));
  const { versionsOf } = await followAfterAnother(source, () =>
    source.set({ userId: 1, status: "in_call", version: 2 }),
  );
  expect(versionsOf(1)).toEqual([2]);
});

test("begins a stream with exactly the present agents, right after another stream has begun", async () => {
  const count = 3 * MANY;
  const source = createSource(agents(count));
  const { versionsOf, events } = await followAfterAnother(source, () => {
    source.remove(1, 2);
    source.remove(2, 2);
    source.set({ userId: 2, status: "other", version: 3 });
    source.set({ userId: count / 2, status: "in_call", version: 2 });
    source.set({ userId: count + 1, status: "in_call", version: 1 });
  });
  expect([1, 2, count / 2, count, count + 1].map(versionsOf)).toEqual([[], [3], [2], [1], [1]]);
  expect(events()).toEqual(["reset", ...Array(count).fill("availability"), "current"]);
});

test("formats a small part of the snapshot again for a stream that begins after a change", async () => {
  const count = 3 * MANY;
  const source = createSource(agents(count));
  const made = vi.spyOn(JSON, "stringify");
  onTestFinished(() => made.mockRestore());
  await followAfterAnother(source, () => {
    made.mockClear();
    source.set({ userId: 1, status: "in_call", version: 2 });
  });
  // The pieces of the changed agent and of the end, of six.
  expect(made.mock.calls.length).toBeLessThan(count / 2);
});

test("starts the subscribers of a reset in batches of 50, one every 50 ms, over 3 s at most, and with one snapshot", async () => {
  const source = createSource(agents(10));
  const followers = await followByMany(120, source);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const readAgents = vi.spyOn(source.replica, "agents");
  source.reset(agents(11));
  const started = () => followers.filter((follower) => follower.hasUnread()).length;
  const counts: number[] = [];
  for (const delayMs of [0, 49, 1, 50]) {
    vi.advanceTimersByTime(delayMs);
    await turn();
    counts.push(started());
  }
  expect(counts).toEqual([50, 50, 100, 120]);
  expect(readAgents).toHaveBeenCalledTimes(1);
});

test("counts the changes that a gateway's subscribers have missed once, and not for each", async () => {
  const hub = createStreamHub();
  onTestFinished(hub.close);
  const { replica, set } = createSource(agents(3));
  const cursor = replica.cursor();
  for (const userId of [1, 2, 3]) set({ userId, status: "offline", version: 2 });
  const counts: number[] = [];
  for (let count = 0; count < 3; count += 1) {
    const { response } = await openTestConnection();
    response.writeHead(200);
    const onFormatted = (formatted: number): void => void counts.push(formatted);
    hub.open({ customer: "demo", replica, response, lastEventId: cursor, endsAtMs: undefined, onFormatted });
    await turn();
  }
  expect(counts).toEqual([3, 0, 0]);
});

test("formats each change once for all subscribers of its customer", async () => {
  const hub = createStreamHub();
  onTestFinished(hub.close);
  const [own, another] = [createSource([]), createSource([])];
  const made = vi.spyOn(JSON, "stringify");
  onTestFinished(() => made.mockRestore());
  const followers = [createFollower(), createFollower(), createFollower()];
  for (const follower of followers) await follower.connect(hub, own.replica);
  const outsider = createFollower();
  await outsider.connect(hub, another.replica);
  await settle([...followers], hub, own.replica);
  await settle([outsider], hub, another.replica);
  made.mockClear();
  own.set({ userId: 1, status: "in_call", version: 2 });
  await settle(followers, hub, own.replica);
  await settle([outsider], hub, another.replica);
  expect(made).toHaveBeenCalledTimes(1);
  for (const follower of followers) expectAll(follower, own.replica);
  expect(outsider.subscriber.users().size).toBe(0);
});

test("formats no change without a stream for the changed user", async () => {
  const hub = createStreamHub();
  onTestFinished(hub.close);
  const source = createSource(agents(3));
  const followers = [createFollower({ userIds: new Set([1]) }), createFollower({ userIds: new Set([1, 2]) })];
  await settle(followers, hub, source.replica);
  const made = vi.spyOn(JSON, "stringify");
  onTestFinished(() => made.mockRestore());
  source.set({ userId: 3, status: "in_call", version: 2 });
  expect(made).not.toHaveBeenCalled();
  source.set({ userId: 2, status: "in_call", version: 2 });
  source.set({ userId: 1, status: "in_call", version: 2 });
  expect(made).toHaveBeenCalledTimes(2);
  await settle(followers, hub, source.replica);
  expect(followers.map(({ subscriber }) => subscriber.versionsOf(2))).toEqual([[], [1, 2]]);
  for (const follower of followers) expectAll(follower, source.replica);
});
