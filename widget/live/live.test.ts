/** Whatever arrives in whatever order, the page ends with the latest of everything, and never hears of anything older. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { BackendRefusal } from "../../shared/protocol/rejection.ts";
import { createLiveWorld, type LiveWorld } from "./test-live-world.ts";

// Agents of this world come and go, and a watch of one that is not there is told in the console.
vi.spyOn(console, "warn").mockReturnValue();

test("announces to the page what the feed tells of those whom it watches, once each version", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  world.change(1);
  world.change(2);
  await world.deliverAll();
  world.repeatLast();
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(1)]);
});

test("announces the agent's own availability by its own name", async () => {
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

test("answers a watch with what is newer of what was read and what the feed has told meanwhile", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  const watching = world.beginWatch([1, 2]);
  world.change(2);
  await world.deliverAll();
  expect(world.announced).toEqual([]);
  world.answerRead();
  const { updatedAt: _updatedAt, ...latest } = world.latest(2);
  expect(await watching).toMatchObject({ 2: latest });
  expect(world.announced).toEqual([]);
});

test("announces what it knows of a user whom the page could not be told of", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  const watching = world.beginWatch([1, 2]);
  world.change(2);
  await world.deliverAll();
  world.refuseRead(new BackendRefusal(503, {}));
  await expect(watching).rejects.toMatchObject({ status: 503 });
  expect(world.announced.map(({ payload }) => payload)).toEqual([world.latest(2)]);
});

test("tells everything anew to the page of another agent, and nothing twice to that of the same", async () => {
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

test("tells everything anew once the session goes on, since its end has told the page that nothing is known", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.deliverAll();
  world.refuseToken();
  await world.signIn(1);
  await world.deliverAll();
  expect(world.announced).toHaveLength(6);
});

test("tells everything anew to the operator's page that was nobody's before", async () => {
  const world = createLiveWorld();
  await world.init();
  await world.deliverAll();
  await world.signIn("operator");
  await world.deliverAll();
  expect(world.announced).toHaveLength(6);
});

test("follows nobody any more once the backend takes no token, until the page gives another", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.deliverAll();
  world.tell({ type: "refused" });
  expect(world.openFeeds()).toBe(0);
  world.change(3);
  await world.signIn(1);
  await world.deliverAll();
  expect(world.announced.at(-1)?.payload).toEqual(world.latest(3));
});

test("tells of everybody a page that watched a few, once it wants that", async () => {
  const world = createLiveWorld();
  await world.watch([1]);
  await world.init();
  await world.deliverAll();
  expect(world.announced.map(({ payload }) => payload.userId)).toEqual([2, 3]);
});

test("keeps nothing of whom nobody watches, and no feed for nobody", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  await world.watch([]);
  expect(world.openFeeds()).toBe(0);
  await world.watch([1]);
  expect(world.reads.at(-1)).toEqual([1]);
});

test("asks only for those of whom nothing is known", async () => {
  const world = createLiveWorld();
  await world.watch([1, 2]);
  await world.watch([1, 2, 3]);
  expect(world.reads).toEqual([[1, 2], [3]]);
});

test("knows nothing any more once the backend takes no token, so that whoever asks is told by the backend", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.watch([1, 2]);
  world.tell({ type: "refused" });
  const watching = world.beginWatch([1, 2]);
  world.refuseRead(new BackendRefusal(401, {}));
  await expect(watching).rejects.toMatchObject({ status: 401 });
  expect(world.openFeeds()).toBe(0);
});

test("asks the page for another token when somebody is back, and at no other time", async () => {
  const world = createLiveWorld({ ownUserId: 1 });
  await world.init();
  await world.wake();
  expect(world.timesAskedForToken()).toBe(0);
  world.tell({ type: "refused" });
  expect(world.timesAskedForToken()).toBe(0);
  await world.wake();
  expect(world.timesAskedForToken()).toBe(1);
});

test("announces nothing that the page was answered with before the first feed was opened", async () => {
  const world = createLiveWorld({ ownUserId: 1, identifies: "when told" });
  await world.watch([1, 2]);
  world.identify();
  await world.deliverAll();
  expect(world.announced).toEqual([]);
});

type Step = (world: LiveWorld) => unknown;

const user = fc.integer({ min: 1, max: 3 });

/** Everything that may happen, each a step by name, so that a failure can be read. */
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
  fc.constant<[string, Step]>(["a read is answered", (world) => world.answerRead()]),
  fc.constant<[string, Step]>(["a read is answered late", (world) => world.answerRead("as it was when asked")]),
  fc.constant<[string, Step]>(["a read is refused", (world) => world.refuseRead(new BackendRefusal(503, {}))]),
  fc.constant<[string, Step]>(["the stream breaks and resumes", (world) => world.resume()]),
  fc.constant<[string, Step]>(["the stream breaks and begins anew", (world) => world.restart()]),
  fc.constant<[string, Step]>(["another tab's stream takes over", (world) => world.restart("lagging")]),
  fc.constant<[string, Step]>(["the page says whose its token is", (world) => world.identify()]),
  fc.constant<[string, Step]>(["the backend takes the token no more", (world) => world.refuseToken()]),
  fc.constant<[string, Step]>(["the same agent signs in again", (world) => world.signIn(1)]),
  fc.constant<[string, Step]>(["another agent signs in", (world) => world.signIn(2)]),
  fc.constant<[string, Step]>(["the live part is loaded", (world) => world.finishLoading()]),
);

async function answerAll(world: LiveWorld): Promise<void> {
  await world.settle();
  while (world.answerRead()) await world.settle();
}

test("ends with the latest of everybody who is watched, whatever happens before", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 40, size: "max" }), async (list) => {
      const world = createLiveWorld({ ownUserId: 1, identifies: "when told", loads: "when told" });
      for (const [, step] of list) {
        await step(world);
        await world.settle();
      }
      world.finishLoading();
      world.identify();
      if (world.isRefused()) await world.signIn(1);
      world.identify();
      await answerAll(world);
      world.repeatRefusedWatch();
      await answerAll(world);
      await world.deliverAll();
      for (const userId of world.wanted()) {
        const { version } = world.latest(userId);
        expect([userId, world.seen(userId)]).toEqual([userId, world.isRemoved(userId) ? world.seen(userId) : version]);
      }
      expect(world.regressions()).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
