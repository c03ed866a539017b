/** Each agent's changes at every subscriber, in any course of events and at either of two gateways. */
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { AVAILABILITY_STATUSES } from "../../shared/contracts/availability.ts";
import { createFollower, expectAll, type Follower, fakeHeartbeatTimer, HEARTBEAT_MS, settle } from "./test-follower.ts";
import { createGateways, type Gateways, MANY } from "./test-gateways.ts";

const userId = fc.integer({ min: 1, max: MANY });
const busyUserId = fc.oneof(fc.integer({ min: 1, max: 3 }), userId);
const clientIndex = fc.nat({ max: 2 });

const amount = fc.constantFrom(100, 20_000, 1_000_000);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("set"), userId: busyUserId, index: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("burst"), userId: busyUserId, index: fc.nat({ max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove"), userId: busyUserId, index: clientIndex }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset"), userId: busyUserId, index: clientIndex }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("read"), userId: amount, index: clientIndex }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("connect"), userId: fc.nat({ max: 1 }), index: clientIndex }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hang up"), userId: fc.constant(0), index: clientIndex }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("beat"), userId: fc.constant(0), index: clientIndex }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("delay", "catchUp"), userId: fc.constant(0), index: clientIndex }),
  },
);
/** Limits that disconnect a client soon, and never. */
const limit = fc.constantFrom(3000, 10_000_000);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

async function run({ do: what, userId: user, index }: Step, gateways: Gateways, followers: readonly Follower[]) {
  const follower = followers[index % followers.length];
  if (what === "set") gateways.set(user, AVAILABILITY_STATUSES[index] ?? "other");
  if (what === "burst") for (let count = 0; count < index; count += 1) gateways.set(user, "in_call");
  if (what === "remove") gateways.remove(user);
  if (what === "reset") gateways.reset(user);
  if (what === "read") follower?.read(user);
  if (what === "hang up") follower?.hangUp();
  if (what === "delay") gateways.delay();
  if (what === "catchUp") gateways.catchUp();
  if (what === "beat") vi.advanceTimersByTime(HEARTBEAT_MS);
  const { hub, replica } = gateways.gateway(user);
  if (what === "connect") await follower?.connect(hub, replica);
  await turn();
}

/** Users of the filtered subscriber: two changed often, two changed seldom, and an unknown user. */
const SOME_USERS = new Set([1, 3, 400, MANY, MANY + 1]);

test("sends every subscriber all its agents, no change twice and no lower version, in any course of events", async () => {
  fakeHeartbeatTimer();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), limit, async (steps, maxBufferedBytes) => {
      const gateways = createGateways(MANY, { maxBufferedBytes });
      const mayLag = steps.some(({ do: what }) => what === "delay");
      const followers = [{}, {}, { userIds: SOME_USERS }].map((options) => createFollower({ mayLag, ...options }));
      for (const each of steps) await run(each, gateways, followers);
      gateways.catchUp();
      const { hub, replica } = gateways.gateway(0);
      await settle(followers, hub, replica);
      for (const follower of followers) expectAll(follower, replica);
      gateways.close();
      for (const follower of followers) follower.hangUp();
    }),
    { numRuns: scaleRuns(150) },
  );
});

test("restarts a subscriber that disconnects during a snapshot, even if its old cursor is known", async () => {
  const gateways = createGateways(MANY, {});
  onTestFinished(gateways.close);
  const [first, second] = [gateways.gateway(0), gateways.gateway(1)];
  const follower = createFollower();
  await settle([follower], first.hub, first.replica);
  expect(follower.subscriber.lastEventId()).toBe("c-0");
  for (let count = 0; count < 20; count += 1) gateways.set(1, "in_call");
  // Trimmed on the second gateway but not on the first.
  await follower.connect(second.hub, second.replica);
  await turn();
  follower.read(1000);
  expect(follower.subscriber.isCurrent()).toBe(false);
  await follower.connect(first.hub, first.replica);
  await settle([follower], first.hub, first.replica);
  expectAll(follower, first.replica);
});

test("does not repeat changes that another gateway sent before they arrived here", async () => {
  const gateways = createGateways(1, {});
  onTestFinished(gateways.close);
  const [first, second] = [gateways.gateway(0), gateways.gateway(1)];
  const follower = createFollower();
  await settle([follower], first.hub, first.replica);
  gateways.delay();
  gateways.set(1, "in_call");
  gateways.set(1, "other");
  await settle([follower], first.hub, first.replica);
  await follower.connect(second.hub, second.replica);
  await settle([follower], second.hub, second.replica);
  gateways.catchUp();
  gateways.set(1, "available");
  await settle([follower], second.hub, second.replica);
  expect(follower.subscriber.events()).toEqual(["reset", "availability", "current", ...Array(3).fill("availability")]);
  expectAll(follower, second.replica);
});
