import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { AVAILABILITY_STATUSES } from "../../shared/contracts/availability.ts";
import type { StoredAgent } from "../store/agent.ts";
import { toCursorText } from "../store/cursor.ts";
import { createReplica, emptyContents, type WritableReplica } from "../store/replica.ts";
import { createTestSubscriber, type TestSubscriber, type TestSubscriberOptions } from "../test/test-subscriber.ts";
import { createStreamHub, type StreamHub, type StreamHubOptions } from "./stream-hub.ts";
import { openTestConnection, type TestConnection } from "./test-connection.ts";

const HEARTBEAT_MS = 15_000;

/** A clock for heartbeats alone: what else waits, waits for the test's streams. */
function holdHeartbeats(): void {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
}

/** One agent for each id from 1, at version 1. */
function agents(count: number): StoredAgent[] {
  return Array.from({ length: count }, (_, index) => ({
    userId: index + 1,
    status: "available",
    version: 1,
    updatedAt: 0,
  }));
}

/** Whoever follows a stream and comes back when the connection is gone. */
interface Follower {
  readonly reader: TestSubscriber;
  connect(hub: StreamHub, replica: WritableReplica): Promise<void>;
  /** Takes what has been sent so far: all of it, or at most so many characters. */
  take(length?: number): void;
  hangUp(): void;
  hasUntaken(): boolean;
  isConnected(): boolean;
}

function createFollower(options: TestSubscriberOptions = {}): Follower {
  const reader = createTestSubscriber(options);
  let connection: TestConnection | undefined;

  function hangUp(): void {
    connection?.hangUp();
    connection = undefined;
    reader.disconnect();
  }

  return {
    reader,
    hangUp,
    async connect(hub, replica) {
      hangUp();
      connection = await openTestConnection();
      const { response } = connection;
      response.writeHead(200);
      hub.open({ customer: "demo", replica, response, lastEventId: reader.lastEventId(), endsAtMs: undefined });
    },
    take: (length) => reader.hear(connection?.read(length) ?? ""),
    hasUntaken: () => connection?.hasUnread() ?? false,
    isConnected: () => connection !== undefined && !connection.response.destroyed,
  };
}

/** Turns of the event loop after which a stream without new writes has none to make. */
const SETTLED_TURNS = 3;

/** Takes all that is sent until nothing more comes; whoever was dropped comes back. */
async function settle(followers: readonly Follower[], hub: StreamHub, replica: WritableReplica): Promise<void> {
  for (let quiet = 0; quiet < SETTLED_TURNS; quiet += 1) {
    for (const follower of followers) {
      if (!follower.isConnected()) await follower.connect(hub, replica);
      if (follower.hasUntaken()) quiet = 0;
      follower.take();
    }
    await turn();
  }
}

/** A replica of these agents, and what its changes come from. */
function createSource(known: readonly StoredAgent[], historyLength = 1000) {
  let position = 0;
  const at = (): string => toCursorText({ epoch: "c", position });
  const contents = emptyContents("c", () => position);
  const replica = createReplica({ ...contents, agents: known }, historyLength);
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
      replica.reset({ ...emptyContents("c", () => position), agents: next });
    },
  };
}

/** Two gateways that follow one customer. The second remembers fewer changes, and may learn of them later. */
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

  function inBoth(happen: (source: (typeof sources)[number]) => void): void {
    happen(sources[0]);
    if (isLate) late.push(() => happen(sources[1]));
    else happen(sources[1]);
  }

  function hurry(): void {
    isLate = false;
    for (const happen of late) happen();
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
      inBoth((source) => source.set({ userId, status, version }));
    },
    remove(userId: number) {
      const version = nextVersion(userId);
      inBoth((source) => source.remove(userId, version));
    },
    /** The store was read anew, as after it had been away: one of the agents has changed meanwhile, nobody knows how. */
    reset(userId: number) {
      hurry();
      const version = nextVersion(userId);
      const known = [...sources[0].replica.agents()].filter((agent) => agent.userId !== userId);
      const changed: StoredAgent = { userId, status: "other", version, updatedAt: version };
      inBoth((source) => source.reset([...known, changed]));
    },
    /** From now on the second gateway learns of nothing until it hurries. */
    delay() {
      isLate = true;
    },
    hurry,
    close() {
      for (const hub of hubs) hub.close();
    },
  };
}

type Gateways = ReturnType<typeof createGateways>;

/** More than a piece of a snapshot holds, so that readers leave, and changes come, in the middle of one. */
const MANY = 800;

const userId = fc.integer({ min: 1, max: MANY });
const someone = fc.oneof(fc.integer({ min: 1, max: 3 }), userId);
const who = fc.nat({ max: 2 });

const amount = fc.constantFrom(100, 20_000, 1_000_000);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("set"), userId: someone, index: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("burst"), userId: someone, index: fc.nat({ max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove"), userId: someone, index: who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset"), userId: someone, index: who }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("take"), userId: amount, index: who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("connect"), userId: fc.nat({ max: 1 }), index: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hang up"), userId: fc.constant(0), index: who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("beat"), userId: fc.constant(0), index: who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("delay", "hurry"), userId: fc.constant(0), index: who }) },
);
/** So low that a reader is soon dropped, and so high that none is. */
const limit = fc.constantFrom(3000, 10_000_000);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

async function run({ do: what, userId: user, index }: Step, gateways: Gateways, followers: readonly Follower[]) {
  const follower = followers[index % followers.length];
  if (what === "set") gateways.set(user, AVAILABILITY_STATUSES[index] ?? "other");
  if (what === "burst") for (let count = 0; count < index; count += 1) gateways.set(user, "in_call");
  if (what === "remove") gateways.remove(user);
  if (what === "reset") gateways.reset(user);
  if (what === "take") follower?.take(user);
  if (what === "hang up") follower?.hangUp();
  if (what === "delay") gateways.delay();
  if (what === "hurry") gateways.hurry();
  if (what === "beat") vi.advanceTimersByTime(HEARTBEAT_MS);
  const { hub, replica } = gateways.gateway(user);
  if (what === "connect") await follower?.connect(hub, replica);
  await turn();
}

test("tells every reader all that there is, nothing twice and no version backwards, whatever comes between", async () => {
  holdHeartbeats();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), limit, async (steps, maxBufferedBytes) => {
      const gateways = createGateways(MANY, { maxBufferedBytes });
      const mayLag = steps.some(({ do: what }) => what === "delay");
      const followers = [1, 2, 3].map(() => createFollower({ mayLag }));
      for (const each of steps) await run(each, gateways, followers);
      gateways.hurry();
      const { hub, replica } = gateways.gateway(0);
      await settle(followers, hub, replica);
      for (const { reader } of followers) expectAll(reader, replica);
      gateways.close();
      for (const follower of followers) follower.hangUp();
    }),
    { numRuns: 150 },
  );
});

function expectAll(reader: TestSubscriber, replica: WritableReplica): void {
  expect(reader.isCurrent()).toBe(true);
  expect([...reader.users().values()].sort(byId)).toEqual([...replica.agents()].sort(byId));
}

function byId(a: StoredAgent, b: StoredAgent): number {
  return a.userId - b.userId;
}

test("has a reader that leaves in the middle of a snapshot begin anew, also where its old cursor is known", async () => {
  const gateways = createGateways(MANY, {});
  onTestFinished(gateways.close);
  const [first, second] = [gateways.gateway(0), gateways.gateway(1)];
  const follower = createFollower();
  await settle([follower], first.hub, first.replica);
  expect(follower.reader.lastEventId()).toBe("c-0");
  for (let count = 0; count < 20; count += 1) gateways.set(1, "in_call");
  // Too long ago for the second gateway, but not for the first.
  await follower.connect(second.hub, second.replica);
  await turn();
  follower.take(1000);
  expect(follower.reader.isCurrent()).toBe(false);
  await follower.connect(first.hub, first.replica);
  await settle([follower], first.hub, first.replica);
  expectAll(follower.reader, first.replica);
});

test("does not tell again what another gateway has told that learnt of it earlier", async () => {
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
  gateways.hurry();
  gateways.set(1, "available");
  await settle([follower], second.hub, second.replica);
  expect(follower.reader.events()).toEqual(["reset", "availability", "current", ...Array(3).fill("availability")]);
  expectAll(follower.reader, second.replica);
});

test("drops a reader that takes nothing of what it lacks from one heartbeat to the next, and no reader that does", async () => {
  holdHeartbeats();
  const gateways = createGateways(3 * MANY, {});
  onTestFinished(gateways.close);
  const { hub, replica } = gateways.gateway(0);
  const [slow, stuck] = [createFollower(), createFollower()];
  await slow.connect(hub, replica);
  await stuck.connect(hub, replica);
  for (let beats = 0; beats < 2; beats += 1) {
    slow.take();
    await turn();
    vi.advanceTimersByTime(HEARTBEAT_MS);
  }
  expect([slow.isConnected(), stuck.isConnected()]).toEqual([true, false]);
  await settle([slow], hub, replica);
  expectAll(slow.reader, replica);
});

test("ends a stream at the heartbeat after its reader's token has", async () => {
  holdHeartbeats();
  const time = { wallMs: 1000 };
  const clock = { wallMs: () => time.wallMs, monotonicMs: () => 0 };
  const hub = createStreamHub({ heartbeatMs: HEARTBEAT_MS, clock });
  onTestFinished(hub.close);
  const replica = createSource(agents(1)).replica;
  const { response, read } = await openTestConnection();
  hub.open({ customer: "demo", replica, response, lastEventId: undefined, endsAtMs: 2000 });
  const reader = createTestSubscriber();
  const beatAndTake = async (): Promise<void> => {
    vi.advanceTimersByTime(HEARTBEAT_MS);
    await turn();
    reader.hear(read());
    await turn();
    reader.hear(read());
  };
  await beatAndTake();
  await beatAndTake();
  expect(response.writableEnded).toBe(false);
  time.wallMs = 2000;
  await beatAndTake();
  expect(response.writableEnded).toBe(true);
  // It may come back at once, with another token.
  expect(reader.retryMs()).toBeUndefined();
  expect(reader.events()).toEqual(["reset", "availability", "current", ""]);
});

test("makes each change into text once, for all readers of a customer, and for no other customer's", async () => {
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
  for (const { reader } of followers) expectAll(reader, own.replica);
  expect(outsider.reader.users().size).toBe(0);
});

test("tells its observer of each stream, each fan-out and each reader that was dropped", async () => {
  const heard: string[] = [];
  const time = { monotonicMs: 0 };
  // The clock moves by a millisecond whenever it is read.
  const clock = { wallMs: () => 0, monotonicMs: () => (time.monotonicMs += 1) };
  const hub = createStreamHub({
    clock,
    maxBufferedBytes: 200,
    observer: {
      onStream(customer) {
        heard.push(`${customer} opened`);
        return () => heard.push(`${customer} closed`);
      },
      onFanOut: (lagMs) => heard.push(`told after ${lagMs} ms`),
      onSubscriberDropped: (customer) => heard.push(`${customer} dropped`),
    },
  });
  onTestFinished(hub.close);
  const source = createSource([]);
  const follower = createFollower();
  await follower.connect(hub, source.replica);
  await settle([follower], hub, source.replica);
  for (const version of [1, 2, 3]) source.set({ userId: 1, status: "other", version });
  await turn();
  expect(heard.slice(0, 2)).toEqual(["demo opened", "told after 1 ms"]);
  expect(heard.slice(-2)).toEqual(["told after 1 ms", "demo closed"]);
  expect(heard).toContain("demo dropped");
  expect(heard.filter((line) => line === "demo dropped")).toHaveLength(1);
});

test("sends a reader away at once that comes while the hub is closed", async () => {
  const hub = createStreamHub();
  hub.close();
  const replica = createSource(agents(1)).replica;
  const { response, read } = await openTestConnection();
  hub.open({ customer: "demo", replica, response, lastEventId: "c-0", endsAtMs: undefined });
  await turn();
  const reader = createTestSubscriber();
  reader.hear(read());
  expect(response.writableEnded).toBe(true);
  expect(reader.retryMs()).toBeLessThanOrEqual(10_000);
});

test("keeps nothing of a reader that has gone before its stream begins", async () => {
  const heard: string[] = [];
  const hub = createStreamHub({
    observer: {
      onStream() {
        heard.push("opened");
        return () => heard.push("closed");
      },
      onFanOut: () => heard.push("told"),
      onSubscriberDropped: () => heard.push("dropped"),
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
  expect(heard).toEqual(["opened", "closed"]);
});

test("ends the stream and tells of the defect where something is thrown while a reader is told", async () => {
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
