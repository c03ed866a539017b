import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { AVAILABILITY_STATUSES } from "../../shared/contracts/availability.ts";
import type { StoredAgent } from "../store/agent.ts";
import { createChangeHistory } from "../store/change-history.ts";
import { toCursorText } from "../store/cursor.ts";
import { createReplica, emptyContents, type WritableReplica } from "../store/replica.ts";
import { createTestSubscriber, type TestSubscriber, type TestSubscriberOptions } from "../test/test-subscriber.ts";
import { createStreamHub, type StreamHub, type StreamHubOptions } from "./stream-hub.ts";
import { openTestConnection, type TestConnection } from "./test-connection.ts";

const HEARTBEAT_MS = 15_000;

/** Fakes the timer of heartbeats alone. The rest of the test waits for real streams. */
function fakeHeartbeatTimer(): void {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Agents with the ids from 1, at version 1. */
function agents(count: number): StoredAgent[] {
  return Array.from({ length: count }, (_, index) => ({
    userId: index + 1,
    status: "available",
    version: 1,
    updatedAt: 0,
  }));
}

/** Client of a stream. Reconnects after a lost connection. */
interface Follower {
  readonly subscriber: TestSubscriber;
  readonly userIds: ReadonlySet<number> | undefined;
  connect(hub: StreamHub, replica: WritableReplica): Promise<void>;
  /** Reads the sent data: everything, or at most `length` characters. */
  read(length?: number): void;
  hangUp(): void;
  hasUnread(): boolean;
  isConnected(): boolean;
}

interface FollowerOptions extends TestSubscriberOptions {
  /** Users that the client follows. @default all users */
  readonly userIds?: ReadonlySet<number>;
}

function createFollower({ userIds, ...options }: FollowerOptions = {}): Follower {
  const subscriber = createTestSubscriber(options);
  let connection: TestConnection | undefined;

  function hangUp(): void {
    connection?.hangUp();
    connection = undefined;
    subscriber.disconnect();
  }

  return {
    subscriber,
    userIds,
    hangUp,
    async connect(hub, replica) {
      hangUp();
      connection = await openTestConnection();
      const { response } = connection;
      response.writeHead(200);
      const lastEventId = subscriber.lastEventId();
      hub.open({ customer: "demo", replica, userIds, response, lastEventId, endsAtMs: undefined });
    },
    read: (length) => subscriber.hear(connection?.read(length) ?? ""),
    hasUnread: () => connection?.hasUnread() ?? false,
    isConnected: () => connection !== undefined && !connection.response.destroyed,
  };
}

/** Turns of the event loop until an idle stream has written all its data: a large snapshot has a turn for each piece. */
const SETTLED_TURNS = 15;

/** Reads until no more data comes; disconnected clients reconnect. */
async function settle(followers: readonly Follower[], hub: StreamHub, replica: WritableReplica): Promise<void> {
  for (let quiet = 0; quiet < SETTLED_TURNS; quiet += 1) {
    for (const follower of followers) {
      if (!follower.isConnected()) await follower.connect(hub, replica);
      if (follower.hasUnread()) quiet = 0;
      follower.read();
    }
    await turn();
  }
}

/** Creates a replica of the given agents and the source of the replica's changes. */
function createSource(known: readonly StoredAgent[], historyLength = 1000) {
  let position = 0;
  const at = (): string => toCursorText({ epoch: "c", position });
  const createHistory = () => createChangeHistory(position, { length: historyLength }).of("acme");
  const replica = createReplica({ ...emptyContents("c", () => position, createHistory()), agents: known });
  return {
    replica,
    set(agent: Pick<StoredAgent, "userId" | "status" | "version">) {
      position += 1;
      replica.apply(position, { cursor: at(), agent: { ...agent, updatedAt: agent.version } });
    },
    remove(removedUserId: number, version: number) {
      position += 1;
      replica.apply(position, { cursor: at(), removedUserId, version });
    },
    reset(next: readonly StoredAgent[]) {
      position += 1;
      replica.reset({ ...emptyContents("c", () => position, createHistory()), agents: next });
    },
  };
}

/** Two gateways serving one customer. The second keeps fewer changes and may receive them later. */
function createGateways(count: number, options: StreamHubOptions) {
  const sources = [createSource(agents(count)), createSource(agents(count), 5)] as const;
  const hubs = sources.map(() => createStreamHub({ heartbeatMs: HEARTBEAT_MS, ...options }));
  const versions = new Map<number, number>();
  let late: (() => void)[] = [];
  let isLate = false;

  function nextVersion(userId: number): number {
    const version = (versions.get(userId) ?? 1) + 1;
    versions.set(userId, version);
    return version;
  }

  function applyToBoth(apply: (source: (typeof sources)[number]) => void): void {
    apply(sources[0]);
    if (isLate) late.push(() => apply(sources[1]));
    else apply(sources[1]);
  }

  function catchUp(): void {
    isLate = false;
    for (const apply of late) apply();
    late = [];
  }

  return {
    gateway(index: number) {
      const [hub, source] = [hubs[index % 2], sources[index % 2]];
      if (!hub || !source) throw new Error("There are two gateways");
      return { hub, replica: source.replica };
    },
    set(userId: number, status: StoredAgent["status"]) {
      const version = nextVersion(userId);
      applyToBoth((source) => source.set({ userId, status, version }));
    },
    remove(userId: number) {
      const version = nextVersion(userId);
      applyToBoth((source) => source.remove(userId, version));
    },
    /** Reloads the store as after an outage during which an agent has changed. */
    reset(userId: number) {
      catchUp();
      const version = nextVersion(userId);
      const known = [...sources[0].replica.agents()].filter((agent) => agent.userId !== userId);
      const changed: StoredAgent = { userId, status: "other", version, updatedAt: version };
      applyToBoth((source) => source.reset([...known, changed]));
    },
    /** Holds back changes from the second gateway until `catchUp`. */
    delay() {
      isLate = true;
    },
    catchUp,
    close() {
      for (const hub of hubs) hub.close();
    },
  };
}

type Gateways = ReturnType<typeof createGateways>;

/** More agents than fit into one piece of a snapshot, so that disconnects and changes hit the middle of a snapshot. */
const MANY = 800;

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

function expectAll({ subscriber, userIds }: Follower, replica: WritableReplica): void {
  expect(subscriber.isCurrent()).toBe(true);
  const agents = [...replica.agents()].filter(({ userId }) => !userIds || userIds.has(userId));
  expect([...subscriber.users().values()].sort(byId)).toEqual(agents.sort(byId));
  if (userIds) expect([...subscriber.userIds()].filter((userId) => !userIds.has(userId))).toEqual([]);
}

function byId(a: StoredAgent, b: StoredAgent): number {
  return a.userId - b.userId;
}

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

test("disconnects a subscriber that reads no missing data between two heartbeats, and no slow one", async () => {
  fakeHeartbeatTimer();
  const gateways = createGateways(3 * MANY, {});
  onTestFinished(gateways.close);
  const { hub, replica } = gateways.gateway(0);
  const [slow, stuck] = [createFollower(), createFollower()];
  await slow.connect(hub, replica);
  await stuck.connect(hub, replica);
  while (!slow.hasUnread() || !stuck.hasUnread()) await turn();
  for (let beats = 0; beats < 2; beats += 1) {
    slow.read();
    await turn();
    vi.advanceTimersByTime(HEARTBEAT_MS);
  }
  expect([slow.isConnected(), stuck.isConnected()]).toEqual([true, false]);
  await settle([slow], hub, replica);
  expectAll(slow, replica);
});

test("sends no heartbeat while the replica is stale for longer than a heartbeat, and one as soon as it is current", async () => {
  fakeHeartbeatTimer();
  const time = { monotonicMs: 0 };
  const hub = createStreamHub({
    heartbeatMs: HEARTBEAT_MS,
    clock: { wallMs: () => 0, monotonicMs: () => time.monotonicMs },
  });
  onTestFinished(hub.close);
  const { replica } = createSource(agents(1));
  const follower = createFollower();
  await settle([follower], hub, replica);
  const heartbeats = () => follower.subscriber.events().filter((name) => name === "").length;
  const beat = async (): Promise<void> => {
    time.monotonicMs += HEARTBEAT_MS;
    vi.advanceTimersByTime(HEARTBEAT_MS);
    await settle([follower], hub, replica);
  };
  replica.setStaleSince(0);
  await beat();
  expect(heartbeats()).toBe(1);
  await beat();
  expect(heartbeats()).toBe(1);
  // A resumed subscriber has all changes known to this gateway, but maybe not all changes.
  await follower.connect(hub, replica);
  await settle([follower], hub, replica);
  expect(heartbeats()).toBe(1);
  replica.setStaleSince(undefined);
  await settle([follower], hub, replica);
  expect(heartbeats()).toBe(2);
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

test("closes a stream at the first heartbeat after its token has expired", async () => {
  fakeHeartbeatTimer();
  const time = { wallMs: 1000 };
  const clock = { wallMs: () => time.wallMs, monotonicMs: () => 0 };
  const hub = createStreamHub({ heartbeatMs: HEARTBEAT_MS, clock });
  onTestFinished(hub.close);
  const replica = createSource(agents(1)).replica;
  const { response, read } = await openTestConnection();
  hub.open({ customer: "demo", replica, response, lastEventId: undefined, endsAtMs: 2000 });
  const subscriber = createTestSubscriber();
  const beatAndRead = async (): Promise<void> => {
    vi.advanceTimersByTime(HEARTBEAT_MS);
    await turn();
    subscriber.hear(read());
    await turn();
    subscriber.hear(read());
  };
  await beatAndRead();
  await beatAndRead();
  expect(response.writableEnded).toBe(false);
  time.wallMs = 2000;
  await beatAndRead();
  expect(response.writableEnded).toBe(true);
  // The client may reconnect at once, with another token.
  expect(subscriber.retryMs()).toBeUndefined();
  expect(subscriber.events()).toEqual(["reset", "availability", "current", ""]);
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

test("reports each stream, fan-out and disconnected subscriber to its observer", async () => {
  const calls: string[] = [];
  const time = { monotonicMs: 0 };
  // The clock advances by a millisecond at every reading.
  const clock = { wallMs: () => 0, monotonicMs: () => (time.monotonicMs += 1) };
  const hub = createStreamHub({
    clock,
    maxBufferedBytes: 200,
    observer: {
      onStream(customer) {
        calls.push(`${customer} opened`);
        return () => calls.push(`${customer} closed`);
      },
      onFanOut: (lagMs) => calls.push(`sent after ${lagMs} ms`),
      onSubscriberDropped: (customer) => calls.push(`${customer} disconnected`),
    },
  });
  onTestFinished(hub.close);
  const source = createSource([]);
  const follower = createFollower();
  await follower.connect(hub, source.replica);
  await settle([follower], hub, source.replica);
  for (const version of [1, 2, 3]) source.set({ userId: 1, status: "other", version });
  await turn();
  expect(calls.slice(0, 2)).toEqual(["demo opened", "sent after 1 ms"]);
  expect(calls.slice(-2)).toEqual(["sent after 1 ms", "demo closed"]);
  expect(calls).toContain("demo disconnected");
  expect(calls.filter((line) => line === "demo disconnected")).toHaveLength(1);
});

test("closes a stream at once if it opens while the hub is closed", async () => {
  const hub = createStreamHub();
  hub.close();
  const replica = createSource(agents(1)).replica;
  const { response, read } = await openTestConnection();
  hub.open({ customer: "demo", replica, response, lastEventId: "c-0", endsAtMs: undefined });
  await turn();
  const subscriber = createTestSubscriber();
  subscriber.hear(read());
  expect(response.writableEnded).toBe(true);
  expect(subscriber.retryMs()).toBeLessThanOrEqual(10_000);
});

test("forgets a client that has disconnected before its stream starts", async () => {
  const calls: string[] = [];
  const hub = createStreamHub({
    observer: {
      onStream() {
        calls.push("opened");
        return () => calls.push("closed");
      },
      onFanOut: () => calls.push("sent"),
      onSubscriberDropped: () => calls.push("disconnected"),
    },
  });
  onTestFinished(hub.close);
  const source = createSource(agents(1));
  const { response, hangUp } = await openTestConnection();
  hangUp();
  await once(response, "close");
  hub.open({ customer: "demo", replica: source.replica, response, lastEventId: undefined, endsAtMs: undefined });
  source.set({ userId: 1, status: "other", version: 2 });
  await turn();
  expect(calls).toEqual(["opened", "closed"]);
});

test("closes the stream and reports the defect if writing to a subscriber throws", async () => {
  const defects: unknown[] = [];
  const hub = createStreamHub({ onDefect: (error) => void defects.push(error) });
  onTestFinished(hub.close);
  const { replica } = createSource(agents(1));
  const defect = new Error("No agents");
  const broken: WritableReplica = {
    ...replica,
    agents() {
      throw defect;
    },
  };
  const follower = createFollower();
  await follower.connect(hub, broken);
  await turn();
  expect(defects).toEqual([defect]);
  expect(follower.isConnected()).toBe(false);
});
