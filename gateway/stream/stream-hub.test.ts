import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
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
  connect(hub: StreamHub, replica: WritableReplica): Promise<void>;
  /** Reads the sent data: everything, or at most `length` characters. */
  read(length?: number): void;
  hangUp(): void;
  hasUnread(): boolean;
  isConnected(): boolean;
}

function createFollower(options: TestSubscriberOptions = {}): Follower {
  const subscriber = createTestSubscriber(options);
  let connection: TestConnection | undefined;

  function hangUp(): void {
    connection?.hangUp();
    connection = undefined;
    subscriber.disconnect();
  }

  return {
    subscriber,
    hangUp,
    async connect(hub, replica) {
      hangUp();
      connection = await openTestConnection();
      const { response } = connection;
      response.writeHead(200);
      hub.open({ customer: "demo", replica, response, lastEventId: subscriber.lastEventId(), endsAtMs: undefined });
    },
    read: (length) => subscriber.hear(connection?.read(length) ?? ""),
    hasUnread: () => connection?.hasUnread() ?? false,
    isConnected: () => connection !== undefined && !connection.response.destroyed,
  };
}

/** Turns of the event loop after which an idle stream has nothing more to write. */
const SETTLED_TURNS = 3;

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

/** Creates a replica of these agents and the source of its changes. */
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

test("sends every subscriber all agents, no change twice and no lower version, in any course of events", async () => {
  fakeHeartbeatTimer();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), limit, async (steps, maxBufferedBytes) => {
      const gateways = createGateways(MANY, { maxBufferedBytes });
      const mayLag = steps.some(({ do: what }) => what === "delay");
      const followers = [1, 2, 3].map(() => createFollower({ mayLag }));
      for (const each of steps) await run(each, gateways, followers);
      gateways.catchUp();
      const { hub, replica } = gateways.gateway(0);
      await settle(followers, hub, replica);
      for (const { subscriber } of followers) expectAll(subscriber, replica);
      gateways.close();
      for (const follower of followers) follower.hangUp();
    }),
    { numRuns: 150 },
  );
});

function expectAll(subscriber: TestSubscriber, replica: WritableReplica): void {
  expect(subscriber.isCurrent()).toBe(true);
  expect([...subscriber.users().values()].sort(byId)).toEqual([...replica.agents()].sort(byId));
}

function byId(a: StoredAgent, b: StoredAgent): number {
  return a.userId - b.userId;
}

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
  expectAll(follower.subscriber, first.replica);
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
  expectAll(follower.subscriber, second.replica);
});

test("disconnects a subscriber that reads no missing data between two heartbeats, and no slow one", async () => {
  fakeHeartbeatTimer();
  const gateways = createGateways(3 * MANY, {});
  onTestFinished(gateways.close);
  const { hub, replica } = gateways.gateway(0);
  const [slow, stuck] = [createFollower(), createFollower()];
  await slow.connect(hub, replica);
  await stuck.connect(hub, replica);
  for (let beats = 0; beats < 2; beats += 1) {
    slow.read();
    await turn();
    vi.advanceTimersByTime(HEARTBEAT_MS);
  }
  expect([slow.isConnected(), stuck.isConnected()]).toEqual([true, false]);
  await settle([slow], hub, replica);
  expectAll(slow.subscriber, replica);
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
  for (const { subscriber } of followers) expectAll(subscriber, own.replica);
  expect(outsider.subscriber.users().size).toBe(0);
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
