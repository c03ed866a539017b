/**
 * Tests of the live part: for any order of events, the page ends with the latest versions and never receives an older
 * one.
 */
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import { createSnapshotDiff } from "./stream/snapshot-diff.ts";
import { createLiveWorld, type LiveWorld, UNREADABLE } from "./test-live-world.ts";

// Agents of this world come and go, and the live part warns of a watched agent that does not exist.
const warn = vi.spyOn(console, "warn").mockReturnValue();

test("follows the watched users alone, and all users if the page has asked for all", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  expect(world.followed()).toEqual(new Set([1]));
  await world.watch([1, 2]);
  expect(world.followed()).toEqual(new Set([1, 2]));
  await world.init();
  expect([world.followed(), world.openFeeds()]).toEqual([undefined, 1]);
});

test("announces each version of a watched user once", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  world.change(1);
  world.change(2);
  await world.deliverAll();
  world.repeatLast();
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(1)]);
});

test("announces a known user whom a snapshot has as unreadable with this reason, once, and stores nothing of the user", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  await world.deliverAll();
  const { version } = world.latest(1);
  const { updatedAt: _updatedAt, ...second } = world.latest(2);
  for (let snapshots = 0; snapshots < 2; snapshots += 1) {
    world.emit({ type: "reset" });
    world.emit({ type: "availability", availability: world.latest(2), ageMs: 0 });
    world.emit({ type: "unreadable", userId: 1 });
    world.emit({ type: "current" });
  }
  expect(world.removals).toEqual([{ userId: 1, version: version - 1, isUnreadable: true }]);
  // The page asks again: the gateway answers with the error.
  world.unreadable.add(1);
  const watching = world.beginWatch([1, 2]);
  await world.settle();
  world.respondToFetch();
  expect(await watching).toEqual({ 1: UNREADABLE, 2: second });
});

test("responds with the error of a user whom the gateway cannot read, and warns of no unknown agent", async () => {
  const world = createLiveWorld();
  world.unreadable.add(1);
  warn.mockClear();
  const watching = world.beginWatch([1, 2, 404]);
  await world.settle();
  world.respondToFetch();
  expect(await watching).toMatchObject({ 1: UNREADABLE, 2: { userId: 2 } });
  expect(Object.keys(await watching)).toEqual(["1", "2"]);
  expect(warn.mock.calls.flat()).toEqual([expect.stringContaining("there is no agent 404")]);
});

test("responds with the streamed availability of a user whom the gateway cannot read for the response", async () => {
  const world = createLiveWorld();
  world.unreadable.add(1);
  const watching = world.beginWatch([1, 2]);
  await world.deliverAll();
  world.respondToFetch();
  expect(await watching).toMatchObject({ 1: { userId: 1, version: world.latest(1).version } });
});

test("announces a user whom the gateway could not read as soon as the stream has an availability", async () => {
  const world = createLiveWorld();
  await world.watch([2]);
  world.unreadable.add(1);
  await world.watch([1, 2]);
  world.change(1);
  await world.deliverAll();
  expect(world.announced.at(-1)?.payload).toEqual(world.latest(1));
});

test("announces the agent's own availability under a separate event type", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.deliverAll();
  const types = world.announced.map(({ type, payload }) => [payload.userId, type]);
  expect(Object.fromEntries(types)).toEqual({
    1: "USER.AVAILABILITY_CHANGED",
    2: "USER.TEAMMATE_AVAILABILITY_CHANGED",
    3: "USER.TEAMMATE_AVAILABILITY_CHANGED",
  });
});

test("responds to a watch with the newer of the fetched and the streamed version", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  const watching = world.beginWatch([1, 2]);
  world.change(2);
  await world.deliverAll();
  expect(world.announced).toEqual([]);
  world.respondToFetch();
  const { updatedAt: _updatedAt, ...latest } = world.latest(2);
  expect(await watching).toMatchObject({ 2: latest });
  expect(world.announced).toEqual([]);
});

test("announces a stored user after the watch request has failed", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  const watching = world.beginWatch([1, 2]);
  world.change(2);
  await world.deliverAll();
  world.rejectFetch(new BackendResponseError(503, {}));
  await expect(watching).rejects.toMatchObject({ status: 503 });
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(2)]);
});

test("announces every user again after a sign-in by another agent, and not by the same agent", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.deliverAll();
  await world.signIn(1);
  await world.deliverAll();
  expect(world.announced).toHaveLength(3);
  await world.signIn(2);
  await world.deliverAll();
  expect(world.announced).toHaveLength(6);
  expect(world.openFeeds()).toBe(1);
});

test("announces every user again when an ended session continues", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.deliverAll();
  world.rejectToken();
  await world.signIn(1);
  await world.deliverAll();
  expect(world.announced).toHaveLength(6);
});

test("announces every user again when the operator signs in on a page without a token", async () => {
  const world = createLiveWorld();
  await world.init();
  await world.deliverAll();
  await world.signIn("operator");
  await world.deliverAll();
  expect(world.announced).toHaveLength(6);
});

test("closes the feed after the backend rejects the tokens, until the page gives a new token", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.deliverAll();
  world.emit({ type: "unauthorized" });
  expect(world.openFeeds()).toBe(0);
  world.change(3);
  await world.signIn(1);
  await world.deliverAll();
  expect(world.announced.at(-1)?.payload).toEqual(world.latest(3));
});

test("announces every user once a page with a few watched users subscribes to all users", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  await world.init();
  await world.deliverAll();
  expect(world.announced.map(({ payload }) => payload.userId)).toEqual([2, 3]);
});

test("stores no unwatched users, and closes the feed without subscriptions", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  await world.watch([]);
  expect(world.openFeeds()).toBe(0);
  await world.watch([1]);
  expect(world.reads.at(-1)).toEqual([1]);
});

test("fetches only users without a stored availability", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  await world.watch([1, 2, 3]);
  expect(world.reads).toEqual([[1, 2], [3]]);
});

test("clears the store after the backend rejects the tokens, so that a request gets the backend's response", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1, 2]);
  world.emit({ type: "unauthorized" });
  const watching = world.beginWatch([1, 2]);
  world.rejectFetch(new BackendResponseError(401, {}));
  await expect(watching).rejects.toMatchObject({ status: 401 });
  expect(world.openFeeds()).toBe(0);
});

test("asks the page for a new token when the page resumes, and at no other time", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.checkConnection();
  expect(world.tokenRequestCount()).toBe(0);
  world.emit({ type: "unauthorized" });
  expect(world.tokenRequestCount()).toBe(0);
  await world.checkConnection();
  expect(world.tokenRequestCount()).toBe(1);
});

test("tells a feed that goes on with the same subject to try again at once when the page gives another token", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.signIn(1);
  expect([world.retries(), world.openedFeeds()]).toEqual([1, 1]);
  await world.signIn(2);
  expect([world.retries(), world.openedFeeds()]).toEqual([1, 2]);
});

test("does not announce versions sent in a response before the first feed opened", async () => {
  const world = createLiveWorld({ ownUserId: 1, identifies: "when told" });
  await world.watch([1, 2]);
  world.identify();
  await world.deliverAll();
  expect(world.announced).toEqual([]);
});

test("announces a removal once, and the user's return with a higher version", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  const { version } = world.latest(1);
  world.remove(1);
  world.remove(2);
  await world.deliverAll();
  world.resume();
  await world.deliverAll();
  expect(world.removals).toEqual([{ userId: 1, version: expect.any(Number) }]);
  expect(world.removals[0]?.version).toBeGreaterThan(version);
  world.change(1);
  await world.deliverAll();
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(1)]);
});

test("announces the removal of a user missing from a new snapshot, and the return of the same version", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  const { version } = world.latest(1);
  world.emit({ type: "reset" });
  world.emit({ type: "current" });
  expect(world.removals).toEqual([{ userId: 1, version: version - 1 }]);
  world.emit({ type: "availability", availability: world.latest(1), ageMs: 0 });
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(1)]);
});

test("announces a user again whom one poll lacks, and the next one has in the same version: a gateway may be behind another", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  const toEvents = createSnapshotDiff();
  const poll = (...userIds: number[]): void => {
    const availabilities = userIds.map(world.latest);
    for (const event of toEvents({ availabilities, ageMs: 0, cursor: "a-1", etag: undefined }, "a-1"))
      world.emit(event);
  };
  poll(1, 2);
  poll(1);
  expect(world.removals.map(({ userId }) => userId)).toEqual([2]);
  poll(1);
  expect(world.removals).toHaveLength(1);
  poll(1, 2);
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(2)]);
});

test("answers without a removed user who is watched again, although a read from before the removal comes meanwhile", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  const { updatedAt: _updatedAt, ...old } = world.latest(1);
  world.remove(1);
  await world.deliverAll();
  await world.watch([2]);
  const watching = world.beginWatch([1, 2]);
  await world.settle();
  world.receive(old);
  world.respondToFetch();
  expect(Object.keys(await watching)).toEqual(["2"]);
  world.change(1);
  await world.deliverAll();
  expect(world.announced.at(-1)?.payload).toEqual(world.latest(1));
});

/** A world with user 1 watched, on a fake clock. The feed has delivered everything. */
async function createTimedWorld(): Promise<LiveWorld> {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1]);
  await world.deliverAll();
  return world;
}

test("announces after 45 s without a heartbeat that the page's availabilities are stale, and the next heartbeat", async () => {
  const world = await createTimedWorld();
  await vi.advanceTimersByTimeAsync(30_000);
  world.emit({ type: "heartbeat", ageMs: 0 });
  await vi.advanceTimersByTimeAsync(44_999);
  expect(world.states).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(world.states).toEqual([{ state: "stale", ageMs: 45_000 }]);
  await vi.advanceTimersByTimeAsync(600_000);
  world.emit({ type: "heartbeat", ageMs: 0 });
  expect(world.states.slice(1)).toEqual([{ state: "live", ageMs: 0 }]);
});

test("stays stale within a snapshot, and is live again at its end", async () => {
  const world = await createTimedWorld();
  await vi.advanceTimersByTimeAsync(45_000);
  world.emit({ type: "reset" });
  world.emit({ type: "heartbeat", ageMs: 0 });
  expect(world.states).toHaveLength(1);
  world.emit({ type: "current" });
  world.emit({ type: "heartbeat", ageMs: 0 });
  expect(world.states[1]).toEqual({ state: "live", ageMs: 0 });
});

test("is stale at once when the gateway refuses the feed, until the next heartbeat", async () => {
  const world = await createTimedWorld();
  await vi.advanceTimersByTimeAsync(1_000);
  world.emit({ type: "stale" });
  world.emit({ type: "stale" });
  await world.checkConnection();
  expect(world.states).toEqual([{ state: "stale", ageMs: 1_000 }]);
  await vi.advanceTimersByTimeAsync(1_000);
  world.emit({ type: "heartbeat", ageMs: 0 });
  expect(world.states[1]?.state).toBe("live");
});

test("is stale after a sleep in which the monotonic clock stands, as soon as the page resumes", async () => {
  const world = await createTimedWorld();
  vi.setSystemTime(Date.now() + 3_600_000);
  await world.checkConnection();
  expect(world.states).toMatchObject([{ state: "stale" }]);
  world.emit({ type: "heartbeat", ageMs: 0 });
  expect(world.states[1]?.state).toBe("live");
});

test("asks the feed for another heartbeat if one reveals a sleep, where it was stale for 15 s until the next one", async () => {
  const world = await createTimedWorld();
  vi.setSystemTime(Date.now() + 3_600_000);
  world.emit({ type: "heartbeat", ageMs: 1 });
  expect([world.states, world.checks]).toMatchObject([[{ state: "stale" }], [true]]);
  await vi.advanceTimersByTimeAsync(10);
  world.emit({ type: "heartbeat", ageMs: 1 });
  expect(world.states[1]?.state).toBe("live");
});

test("counts another tab's heartbeat by its age", async () => {
  const world = await createTimedWorld();
  await vi.advanceTimersByTimeAsync(40_000);
  world.emit({ type: "heartbeat", ageMs: 30_000 });
  await vi.advanceTimersByTimeAsync(14_999);
  expect(world.states).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(world.states).toMatchObject([{ state: "stale" }]);
});

test("waits for no heartbeat without a subscription and after the end of the session", async () => {
  const world = await createTimedWorld();
  await world.watch([]);
  await vi.advanceTimersByTimeAsync(100_000);
  await world.watch([1]);
  world.rejectsFeeds = true;
  world.rejectToken();
  await vi.advanceTimersByTimeAsync(100_000);
  expect(world.states).toEqual([]);
});

test("asks the page for a token again and again after the end of the session, as long as a user is watched", async () => {
  const world = await createTimedWorld();
  world.rejectsFeeds = true;
  world.rejectToken();
  await vi.advanceTimersByTimeAsync(120_000);
  const pauses = world.tokenRequests.slice(1).map((at, index) => at - (world.tokenRequests[index] ?? 0));
  expect(pauses.length).toBeGreaterThan(12);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(8_001);
  expect(Math.min(...pauses.slice(3))).toBeGreaterThanOrEqual(4_000);
  world.rejectsFeeds = false;
  await world.signIn(1);
  await world.watch([]);
  const before = world.tokenRequestCount();
  await vi.advanceTimersByTimeAsync(600_000);
  expect([world.tokenRequestCount(), vi.getTimerCount()]).toEqual([before, 0]);
});

test("asks a page for a token again and again that watches a user after the end of the session", async () => {
  const world = await createTimedWorld();
  await world.watch([]);
  world.rejectToken();
  const watching = world.beginWatch([1]);
  world.rejectFetch(new BackendResponseError(401, {}));
  await expect(watching).rejects.toMatchObject({ status: 401 });
  expect(world.openFeeds()).toBe(1);
  world.rejectsFeeds = true;
  world.emit({ type: "unauthorized" });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(world.tokenRequestCount()).toBeGreaterThan(2);
});

test("asks a hidden page for no token after the end of the session, and asks at once when the page is shown", async () => {
  const world = await createTimedWorld();
  world.rejectToken();
  world.isVisible = false;
  await vi.advanceTimersByTimeAsync(600_000);
  expect([world.tokenRequestCount(), vi.getTimerCount()]).toEqual([0, 0]);
  world.isVisible = true;
  world.rejectsFeeds = true;
  await world.checkConnection();
  expect(world.tokenRequestCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(8_001);
  expect(world.tokenRequestCount()).toBeGreaterThan(1);
});

test("opens the feed again within 8 s with the same token, which the gateway accepts again after a fault of its clock or its keys", async () => {
  const world = await createTimedWorld();
  world.rejectsFeeds = true;
  world.rejectToken();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([world.openFeeds(), world.states]).toEqual([0, []]);
  expect(world.openedFeeds()).toBeGreaterThan(7);
  world.change(1);
  world.rejectsFeeds = false;
  await vi.advanceTimersByTimeAsync(8_001);
  await world.deliverAll();
  expect(world.announced.at(-1)?.payload).toEqual(world.latest(1));
  expect(world.states).toEqual([{ state: "live", ageMs: 0 }]);
  const before = world.tokenRequestCount();
  await vi.advanceTimersByTimeAsync(30_000);
  expect([world.tokenRequestCount(), world.openFeeds()]).toEqual([before, 1]);
});

test("asks a page that gives another rejected token each time no more often than one that gives the same", async () => {
  const world = await createTimedWorld();
  world.rejectsFeeds = true;
  world.onTokenRequest = () => world.signIn(1);
  world.rejectToken();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(world.tokenRequestCount()).toBeGreaterThan(12);
  expect(world.tokenRequestCount()).toBeLessThan(40);
});

test("announces once that it is live when the next session's agents are complete, as to a page that watches none of them", async () => {
  const world = await createTimedWorld();
  await world.watch([404]);
  world.rejectToken();
  await world.signIn(1);
  expect(world.states).toEqual([]);
  await world.deliverAll();
  world.emit({ type: "heartbeat", ageMs: 0 });
  expect(world.states).toEqual([{ state: "live", ageMs: 0 }]);
});

test("announces that it is live to a page whose subscription ended while it was stale", async () => {
  const world = await createTimedWorld();
  await vi.advanceTimersByTimeAsync(45_000);
  await world.watch([]);
  await world.watch([1]);
  expect(world.states.map(({ state }) => state)).toEqual(["stale", "live"]);
});

type Step = (world: LiveWorld) => unknown;

const user = fc.integer({ min: 1, max: 3 });

/** All possible steps, each with a name for readable failures. */
const steps: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  user.map((id): [string, Step] => [`user ${id} changes`, (world) => world.change(id)]),
  user.map((id): [string, Step] => [`user ${id} is removed`, (world) => world.remove(id)]),
  fc
    .subarray([1, 2, 3])
    .map((ids): [string, Step] => [`watch ${ids.join(", ")}`, (world) => void world.beginWatch(ids).catch(() => {})]),
  fc.constant<[string, Step]>(["init", (world) => world.init()]),
  fc.constant<[string, Step]>(["destroy", (world) => world.destroy()]),
  fc.constant<[string, Step]>(["one event arrives", (world) => world.deliverOne()]),
  fc.constant<[string, Step]>(["the last event arrives again", (world) => world.repeatLast()]),
  fc.constant<[string, Step]>(["all events arrive", (world) => world.deliverAll()]),
  fc.constant<[string, Step]>(["a fetch gets a response", (world) => world.respondToFetch()]),
  fc.constant<[string, Step]>(["a fetch gets a late response", (world) => world.respondToFetch("as at the request")]),
  fc.constant<[string, Step]>(["a fetch is rejected", (world) => world.rejectFetch(new BackendResponseError(503, {}))]),
  fc.constant<[string, Step]>(["the stream breaks and resumes", (world) => world.resume()]),
  fc.constant<[string, Step]>(["the stream breaks and restarts with a snapshot", (world) => world.restart()]),
  fc.constant<[string, Step]>(["another tab's stream takes over", (world) => world.restart("lagging")]),
  fc.constant<[string, Step]>(["the page identifies the subject of its token", (world) => world.identify()]),
  fc.constant<[string, Step]>(["the backend rejects the token", (world) => world.rejectToken()]),
  fc.constant<[string, Step]>(["the same agent signs in again", (world) => world.signIn(1)]),
  fc.constant<[string, Step]>(["another agent signs in", (world) => world.signIn(2)]),
  fc.constant<[string, Step]>(["the live part is loaded", (world) => world.finishLoading()]),
);

async function answerAll(world: LiveWorld): Promise<void> {
  await world.settle();
  while (world.respondToFetch()) await world.settle();
}

test.each([
  ["the snapshot's end", (world: LiveWorld) => world.deliverAll()],
  ["the snapshot's begin", (world: LiveWorld) => world.deliverOne()],
])(
  "shows no user who was fetched before a snapshot that lacks the user, if the response comes after %s",
  async (_when, deliver) => {
    const world = createLiveWorld();
    void world.beginWatch([2]);
    world.remove(2);
    await world.settle();
    await deliver(world);
    world.respondToFetch("as at the request");
    await world.deliverAll();
    expect(world.isShown(2)).toBe(false);
  },
);

test("shows a user who comes back after a snapshot that lacks the user", async () => {
  const world = createLiveWorld();
  world.remove(2);
  await world.watch([2]);
  world.change(2);
  await world.deliverAll();
  expect([world.isShown(2), world.seen(2)]).toEqual([true, world.latest(2).version]);
});

test("announces to an agent what another agent has fetched in between", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1]);
  await world.watch([]);
  await world.signIn(2);
  world.rejectToken();
  void world.beginWatch([3]);
  await world.settle();
  world.respondToFetch();
  await world.settle();
  await world.signIn(1);
  await world.deliverAll();
  expect(world.seen(3)).toBe(world.latest(3).version);
});

test("ends with the latest version of every watched user, whatever happens before", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 40, size: "max" }), async (list) => {
      const world = createLiveWorld({ ownUserId: 1, identifies: "when told", loads: "when told" });
      for (const [, step] of list) {
        await step(world);
        await world.settle();
      }
      world.finishLoading();
      world.identify();
      if (world.isTokenRejected()) await world.signIn(1);
      world.identify();
      await answerAll(world);
      world.repeatRejectedWatch();
      await answerAll(world);
      await world.deliverAll();
      for (const userId of world.subscribedUserIds()) {
        const { version } = world.latest(userId);
        if (world.isRemoved(userId)) expect([userId, world.isShown(userId)]).toEqual([userId, false]);
        else expect([userId, world.seen(userId), world.isShown(userId)]).toEqual([userId, version, true]);
      }
      expect(world.regressions()).toEqual([]);
    }),
    { numRuns: scaleRuns(1_000) },
  );
});
