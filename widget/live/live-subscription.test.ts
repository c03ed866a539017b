/** Tests of the live part: what a change of the subscription, of the session or of the token does to the feed and the store. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import { MAX_STREAMED_USERS } from "./followed-users.ts";
import { createLiveWorld, type LiveWorld, UNREADABLE } from "./test-live-world.ts";

// Agents of this world come and go, and the live part warns of a watched agent that does not exist.
const warn = vi.spyOn(console, "warn").mockReturnValue();

beforeEach(() => void warn.mockClear());

test("goes on announcing a watched user while the page waits for the response about another", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  void world.beginWatch([1, 2]);
  world.change(1);
  await world.deliverAll();
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(1)]);
});

test("announces a user as one of all users as soon as the page no longer waits for a response about the user", async () => {
  const world = createLiveWorld();
  void world.beginWatch([1]);
  await world.init();
  await world.deliverAll();
  expect(world.announced.map(({ payload }) => payload.userId)).toEqual([2, 3]);
  void world.beginWatch([]);
  world.change(1);
  await world.deliverAll();
  expect(world.announced.at(-1)?.payload).toEqual(world.latest(1));
});

test("announces all users to a page that has watched more users than a stream can name", async () => {
  const world = createLiveWorld();
  await world.watch([1, ...Array.from({ length: MAX_STREAMED_USERS }, (_, index) => 1_000 + index)]);
  // The feed has reported users 2 and 3 before, and so does not report them again.
  expect(world.followed()).toBeUndefined();
  await world.init();
  await world.deliverAll();
  expect(world.announced.map(({ payload }) => payload.userId)).toEqual([2, 3]);
});

test("opens another feed for a page that subscribes to all users, and for no other change of the subscription", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  await world.watch([1, 2]);
  expect(world.openedFeeds()).toBe(1);
  await world.init();
  await world.watch([3]);
  await world.init();
  await world.destroy();
  expect([world.openedFeeds(), world.openFeeds()]).toEqual([2, 1]);
});

test("opens one feed, with the latest users, for a page that changes them before it gives a token", async () => {
  const world = createLiveWorld({ identifies: "when told" });
  void world.beginWatch([1]);
  await world.settle();
  void world.beginWatch([1, 2]);
  world.identify();
  await world.settle();
  expect([world.openedFeeds(), world.followed()]).toEqual([1, new Set([1, 2])]);
});

test("opens no feed for a page that stops watching before it gives a token", async () => {
  const world = createLiveWorld({ identifies: "when told" });
  void world.beginWatch([1]);
  await world.settle();
  void world.beginWatch([]);
  world.identify();
  await world.settle();
  expect(world.openedFeeds()).toBe(0);
});

test("opens one feed for a page whose token comes while the feed is being opened", async () => {
  const world = createLiveWorld({ ownUserId: 1, identifies: "when told" });
  void world.beginWatch([1]);
  await world.settle();
  await world.signIn(2);
  world.identify();
  await world.deliverAll();
  world.respondToFetch();
  world.change(2);
  await world.init();
  await world.deliverAll();
  const own = world.announced.filter(({ type }) => type === "USER.AVAILABILITY_CHANGED");
  expect([world.openFeeds(), own.map(({ payload }) => payload.userId)]).toEqual([1, [2]]);
});

test.each<[string, (world: LiveWorld) => Promise<void>]>([
  ["another agent has signed in", (world) => world.signIn(2)],
  [
    "the page has had no token for a while, and has the same agent's again",
    async (world) => {
      world.identifyAs(undefined);
      await world.init();
      await world.signIn(1);
    },
  ],
])("announces the removal of users whom the next snapshot lacks after %s", async (_when, happen) => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1, 2, 3]);
  const { version } = world.latest(2);
  world.remove(2);
  await happen(world);
  await world.deliverAll();
  expect(world.removals).toEqual([{ userId: 2, version: version - 1 }]);
  world.restart();
  await world.deliverAll();
  expect(world.removals).toHaveLength(1);
});

test.each<[string, (world: LiveWorld) => unknown]>([
  ["whom the page no longer watches", (world) => void world.beginWatch([1])],
  [
    "of an ended session, which the page knows",
    (world) => {
      world.rejectToken();
      return world.signIn(1);
    },
  ],
])("announces no removal of a user %s to a page whose agent has changed", async (_whose, happen) => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1, 2]);
  world.remove(2);
  await world.signIn(2);
  await happen(world);
  await world.deliverAll();
  expect(world.removals).toEqual([]);
});

test("opens no feed for a token of a page that watches no user", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1]);
  await world.watch([]);
  await world.signIn(2);
  expect([world.openedFeeds(), world.openFeeds()]).toEqual([1, 0]);
});

test("opens no feed for a page that stops watching while the subject of its new token is being identified", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1]);
  const signingIn = world.signIn(2);
  void world.beginWatch([]);
  await signingIn;
  expect(world.openFeeds()).toBe(0);
});

test("keeps its feed when the same agent has another token, and opens another feed for another agent", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1]);
  await world.signIn(1);
  expect(world.openedFeeds()).toBe(1);
  await world.signIn(2);
  expect([world.openedFeeds(), world.openFeeds()]).toEqual([2, 1]);
});

test("responds to a page that follows all users with what comes before its first feed is open", async () => {
  const world = createLiveWorld({ identifies: "when told" });
  await world.init();
  const watching = world.beginWatch([1]);
  world.respondToFetch();
  expect(await watching).toMatchObject({ 1: { userId: 1, version: world.latest(1).version } });
});

test("responds to a page that follows all users with what comes before the first snapshot of its next session", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.deliverAll();
  world.rejectToken();
  await world.signIn(1);
  const watching = world.beginWatch([1]);
  await world.settle();
  world.respondToFetch();
  expect(await watching).toMatchObject({ 1: { userId: 1, version: world.latest(1).version } });
});

test("stores a fetched user of whom the snapshot of all users has an older version, and none whom the snapshot lacks", async () => {
  const world = createLiveWorld();
  world.remove(2);
  await world.init();
  await world.deliverAll();
  const [first, second] = [1, 2].map((userId) => ({ userId, status: "available" as const, version: 100 }));
  expect([first && world.receive(first), second && world.receive(second)]).toEqual([first, second]);
  expect([world.cached(1), world.cached(2)]).toEqual([first, undefined]);
});

/** A world that watches users 1 and 2, after the feed has reported user 2 as missing. */
async function createWorldWithoutUser2(): Promise<LiveWorld> {
  const world = createLiveWorld({ ownUserId: 1 });
  world.remove(2);
  await world.watch([1, 2]);
  return world;
}

const RETURNED = { userId: 2, status: "available" as const, version: 100 };

test("stores no fetched user whom the snapshot lacks, also after the page has stopped watching another", async () => {
  const world = await createWorldWithoutUser2();
  await world.watch([2]);
  world.receive(RETURNED);
  expect(world.cached(2)).toBeUndefined();
});

test.each<[string, (world: LiveWorld) => unknown]>([
  [
    "the feed has announced the user",
    (world) => {
      world.change(2);
      return world.deliverAll();
    },
  ],
  ["the feed has the user, and nobody can read the user", (world) => world.emit({ type: "unreadable", userId: 2 })],
  [
    "the feed has reported the user while the page did not watch the user",
    async (world) => {
      await world.watch([1]);
      world.change(2);
      await world.deliverAll();
      void world.beginWatch([1, 2]);
    },
  ],
  [
    "another snapshot has ended while the page did not watch the user: that says nothing of the user",
    async (world) => {
      await world.watch([1]);
      world.emit({ type: "reset" });
      world.emit({ type: "availability", availability: world.latest(1), ageMs: 0 });
      world.emit({ type: "current" });
      void world.beginWatch([1, 2]);
    },
  ],
  ["another agent has signed in, before the next snapshot", (world) => world.signIn(2)],
])("stores a fetched user whom a snapshot lacked once %s", async (_when, happen) => {
  const world = await createWorldWithoutUser2();
  await happen(world);
  await world.settle();
  world.receive(RETURNED);
  expect(world.cached(2)).toEqual(RETURNED);
});

test("answers without a user whom the snapshot lacks and the page watches anew, although a read from before the snapshot comes meanwhile", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  const { updatedAt: _updatedAt, ...old } = world.latest(2);
  world.remove(2);
  world.restart();
  await world.deliverAll();
  await world.watch([1]);
  const watching = world.beginWatch([1, 2]);
  await world.settle();
  world.receive(old);
  world.respondToFetch();
  expect(Object.keys(await watching)).toEqual(["1"]);
  expect(world.cached(2)).toBeUndefined();
});

test("announces neither the removal nor the unreadable state of a user whom the page no longer watches", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  await world.watch([1]);
  // The feed still reports the user.
  world.remove(2);
  await world.deliverAll();
  world.emit({ type: "unreadable", userId: 2 });
  expect(world.removals).toEqual([]);
});

test("announces a watched user outside a snapshot whom the gateway can no longer read", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  const { version } = world.latest(1);
  world.emit({ type: "unreadable", userId: 1 });
  expect(world.removals).toEqual([{ userId: 1, version: version - 1, isUnreadable: true }]);
});

test("announces nothing about the error of a user in a response to a page that follows all users", async () => {
  const world = createLiveWorld();
  world.unreadable.add(1);
  const watching = world.beginWatch([1]);
  await world.init();
  world.respondToFetch();
  expect(await watching).toEqual({ 1: UNREADABLE });
  await world.deliverAll();
  expect(world.removals).toEqual([]);
});

test("warns the page's developer if the gateway rejects the watched users", async () => {
  const world = createLiveWorld();
  const watching = world.beginWatch([1]);
  await world.settle();
  world.rejectFetch(new BackendResponseError(403, { detail: "no scope" }));
  await expect(watching).rejects.toMatchObject({ status: 403 });
  await world.settle();
  expect(warn.mock.calls.flat()).toEqual([expect.stringContaining("with status 403: no scope")]);
});

test("asks for no token once the page has given one, and follows the users that the page adds", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1]);
  world.rejectToken();
  await world.signIn(1);
  await world.checkConnection();
  await world.watch([1, 2]);
  expect([world.tokenRequestCount(), world.followed()]).toEqual([0, new Set([1, 2])]);
});

test("checks the clocks while the feed is being opened, and notices a sleep", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const world = createLiveWorld({ identifies: "when told" });
  void world.beginWatch([1]);
  await world.settle();
  vi.setSystemTime(Date.now() + 3_600_000);
  await world.checkConnection();
  expect(world.states).toMatchObject([{ state: "stale" }]);
});

/** A world on a fake clock that watches a user, and whose session has ended. */
async function createEndedWorld(): Promise<LiveWorld> {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1]);
  world.rejectToken();
  return world;
}

test("asks for a token as soon after the end of a second session as after the first", async () => {
  const world = await createEndedWorld();
  world.rejectsFeeds = true;
  await vi.advanceTimersByTimeAsync(120_000);
  world.rejectsFeeds = false;
  await world.signIn(1);
  await world.deliverAll();
  world.rejectToken();
  const before = world.tokenRequestCount();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(world.tokenRequestCount()).toBe(before + 1);
});

test("asks for a token no more often because the page was shown often", async () => {
  const world = await createEndedWorld();
  for (let shown = 0; shown < 10; shown += 1) await world.checkConnection();
  const before = world.tokenRequestCount();
  await vi.advanceTimersByTimeAsync(80_000);
  // At least half of each delay of 8 s passes.
  expect(world.tokenRequestCount() - before).toBeLessThanOrEqual(20);
});
