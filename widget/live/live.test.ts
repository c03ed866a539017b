/**
 * Tests of the live part: for any order of events, the page ends with the latest versions and never receives an older
 * one.
 */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import { createLiveWorld, type LiveWorld } from "./test-live-world.ts";

// Agents of this world come and go, and the live part warns of a watched agent that does not exist.
vi.spyOn(console, "warn").mockReturnValue();

test("announces each version of a watched user once", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  world.change(1);
  world.change(2);
  await world.deliverAll();
  world.repeatLast();
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(1)]);
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

test("does not announce versions sent in a response before the first feed opened", async () => {
  const world = createLiveWorld({ ownUserId: 1, identifies: "when told" });
  await world.watch([1, 2]);
  world.identify();
  await world.deliverAll();
  expect(world.announced).toEqual([]);
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
        expect([userId, world.seen(userId)]).toEqual([userId, world.isRemoved(userId) ? world.seen(userId) : version]);
      }
      expect(world.regressions()).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
