import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { AVAILABILITY_STATUSES } from "../../shared/contracts/availability.ts";
import { systemClock } from "../clock.ts";
import { type AgentState, toAvailability } from "./agent.ts";
import {
  type AvailabilityStore,
  type CustomerStore,
  type FoundAgent,
  VersionMismatchError,
} from "./availability-store.ts";
import type { Change } from "./change-history.ts";
import { isAtOrAfter, parseCursor } from "./cursor.ts";
import type { Replica } from "./replica.ts";

/** Store that the tests run on. */
export interface StoreUnderTest {
  /** Opens the stores of two gateways over common data; a single store twice if the store cannot be shared. */
  open(): Promise<readonly [AvailabilityStore, AvailabilityStore]>;
  /** Number of runs of each property. */
  readonly runs: number;
}

const never = new AbortController().signal;
const LONG_SECONDS = 100_000;

let customers = 0;

/** Opens a new customer in each of the two stores. */
async function openCustomer(subject: StoreUnderTest): Promise<readonly [CustomerStore, CustomerStore]> {
  customers += 1;
  const [one, other] = await subject.open();
  return [one.forCustomer(`customer-${customers}`), other.forCustomer(`customer-${customers}`)];
}

/** Retries an expectation until it holds, with a timeout for a busy machine. */
export function eventually<Value>(read: () => Value): ReturnType<typeof expect.poll> {
  return expect.poll(read, { interval: 5, timeout: 20_000 });
}

/** Resolves once a replica has reached a cursor. */
async function reached(replica: Replica, cursor: string): Promise<void> {
  const wanted = parseCursor(cursor)?.position ?? Infinity;
  await eventually(() => parseCursor(replica.cursor())?.position).toBeGreaterThanOrEqual(wanted);
}

/** Collects the changes of a replica from now on, and resets as "reset". */
export function collectChanges(replica: Replica): (Change | "reset")[] {
  const received: (Change | "reset")[] = [];
  onTestFinished(
    replica.listen({ onChange: (change) => void received.push(change), onReset: () => void received.push("reset") }),
  );
  return received;
}

function userIdOf(change: Change): number {
  return "agent" in change ? change.agent.userId : change.removedUserId;
}

function versionOf(change: Change): number {
  return "agent" in change ? change.agent.version : change.version;
}

/** Declares the tests that every store must pass. */
export function declareStoreTests(subject: StoreUnderTest): void {
  describe("writes", () => declareWriteTests(subject));
  describe("reads of an upstream", () => declareReadTests(subject));
  describe("versions", () => declareVersionTests(subject));
  describe("subscribers", () => declareSubscriberTests(subject));
  describe("in any order of writes by two gateways", () => declareProperties(subject));
}

function declareWriteTests(subject: StoreUnderTest): void {
  test("starts without agents", async () => {
    const [store] = await openCustomer(subject);
    const replica = await store.open(never);
    expect([replica.size(), [...replica.agents()], replica.read(1)]).toEqual([0, [], undefined]);
  });

  test("has a change in its replica once the write resolves", async () => {
    const [store] = await openCustomer(subject);
    const replica = await store.open(never);
    const agent = await store.set(1, { status: "available" });
    expect(replica.read(1)).toEqual(agent);
    expect(agent).toMatchObject({ userId: 1, status: "available" });
    expect(agent).not.toHaveProperty("wrapUp");
  });

  test("loads a replica with the agents written before", async () => {
    const [store, other] = await openCustomer(subject);
    const agent = await store.set(1, { status: "in_call" });
    await store.set(2, { status: "offline" });
    await store.remove(2);
    const replica = await other.open(never);
    expect([...replica.agents()]).toEqual([agent]);
  });

  test("counts a wrap-up time down from the remaining seconds", async () => {
    const [store, other] = await openCustomer(subject);
    const wrapUp = { configuredSeconds: LONG_SECONDS, leftSeconds: LONG_SECONDS / 2 };
    await store.set(1, { status: "available", wrapUp });
    for (const part of [store, other]) {
      const agent = (await part.open(never)).read(1);
      const availability = agent && toAvailability(agent, systemClock.monotonicMs());
      expect(availability?.wrapUpTimeConfig).toBe(LONG_SECONDS);
      expect(availability?.wrapUpTimeTtl).toBeLessThanOrEqual(LONG_SECONDS / 2);
      expect(availability?.wrapUpTimeTtl).toBeGreaterThan(0);
    }
  });

  test("inserts an agent who is unknown or was removed, and leaves a known agent unchanged", async () => {
    const [store, other] = await openCustomer(subject);
    const inserted = await store.insertIfAbsent(1, { status: "available" });
    await expect(other.insertIfAbsent(1, { status: "offline" })).resolves.toMatchObject({
      status: "available",
      version: inserted.version,
    });
    await store.remove(1);
    await expect(other.insertIfAbsent(1, { status: "offline" })).resolves.toMatchObject({ status: "offline" });
  });

  test("changes a status and leaves the wrap-up time running", async () => {
    const [store] = await openCustomer(subject);
    await store.set(1, { status: "available", wrapUp: { configuredSeconds: LONG_SECONDS, leftSeconds: LONG_SECONDS } });
    const replica = await store.open(never);
    const before = replica.read(1);
    const after = await store.setStatus(1, "in_call");
    expect(after?.status).toBe("in_call");
    expect(after?.wrapUp?.configuredSeconds).toBe(LONG_SECONDS);
    expect(after?.wrapUp?.endsAtMs).toBeCloseTo(before?.wrapUp?.endsAtMs ?? 0, -3);
  });

  test("changes no status of an agent who is unknown or was removed", async () => {
    const [store, other] = await openCustomer(subject);
    await expect(store.setStatus(1, "in_call")).resolves.toBeUndefined();
    await store.set(1, { status: "available" });
    await other.remove(1);
    await expect(store.setStatus(1, "in_call", [7])).resolves.toBeUndefined();
    expect((await store.open(never)).read(1)).toBeUndefined();
  });

  test("changes a status conditionally only if the agent has one of the versions", async () => {
    const [store, other] = await openCustomer(subject);
    const { version } = await store.set(1, { status: "available" });
    const mismatch = { name: "VersionMismatchError", version };
    await expect(other.setStatus(1, "in_call", [version - 1, version + 1])).rejects.toMatchObject(mismatch);
    await expect(other.setStatus(1, "in_call", [])).rejects.toThrow(VersionMismatchError);
    // The condition applies even if the status would not change.
    await expect(other.setStatus(1, "available", [version - 1])).rejects.toThrow(VersionMismatchError);
    await expect(other.setStatus(1, "in_call", [5, version])).resolves.toMatchObject({ status: "in_call" });
  });

  test("keeps each customer's agents apart", async () => {
    const [one, other] = await openCustomer(subject);
    const [stranger] = await openCustomer(subject);
    const strangers = await stranger.open(never);
    const received = collectChanges(strangers);
    const replica = await one.open(never);
    await one.set(1, { status: "available" });
    await other.remove(1);
    await expect(stranger.setStatus(1, "in_call")).resolves.toBeUndefined();
    await stranger.set(1, { status: "offline" });
    // The stranger may be in another shard, whose changes come in an order of their own.
    await one.catchUp();
    expect(replica.read(1)).toBeUndefined();
    expect(received.map((change) => change !== "reset" && userIdOf(change))).toEqual([1]);
    expect(strangers.read(1)?.status).toBe("offline");
  });
}

function declareReadTests(subject: StoreUnderTest): void {
  test("begin in an order that both gateways share", async () => {
    const [store, other] = await openCustomer(subject);
    const starts = [await store.startRead(), await other.startRead(), await store.startRead()];
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
  });

  test("change nothing that a later read has changed, found unchanged or removed, at either gateway", async () => {
    const [store, other] = await openCustomer(subject);
    await store.set(1, { status: "available" });
    const { version } = await store.set(2, { status: "available" });
    await store.set(3, { status: "available" });
    const replica = await other.open(never);
    const [earlier, later] = [await store.startRead(), await other.startRead()];
    await other.record(1, { status: "in_call" }, later);
    await expect(other.confirm([{ userId: 2, version }], later)).resolves.toEqual([]);
    await expect(other.record(3, undefined, later)).resolves.toBeUndefined();
    const received = collectChanges(replica);
    await expect(store.record(1, { status: "offline" }, earlier)).resolves.toMatchObject({ status: "in_call" });
    await expect(store.record(2, { status: "offline" }, earlier)).resolves.toMatchObject({ version });
    await expect(store.record(3, { status: "offline" }, earlier)).resolves.toBeUndefined();
    await expect(store.record(1, undefined, earlier)).resolves.toMatchObject({ status: "in_call" });
    expect(received).toEqual([]);
    await expect(store.record(3, { status: "offline" }, later + 1)).resolves.toMatchObject({ status: "offline" });
  });

  test("tell when an agent was last read, by any gateway", async () => {
    const [store, other] = await openCustomer(subject);
    await store.set(1, { status: "available" });
    await expect(store.lastReadMs(1)).resolves.toBe(-Infinity);
    const beforeMs = systemClock.monotonicMs();
    const [earlier, later] = [await store.startRead(), await other.startRead()];
    const afterMs = systemClock.monotonicMs();
    const { version } = await store.set(2, { status: "available" });
    await other.record(1, { status: "in_call" }, later);
    await other.record(1, { status: "available" }, earlier);
    await other.confirm([{ userId: 2, version }], later);
    await other.record(3, undefined, later);
    for (const userId of [1, 2, 3]) {
      const startedMs = await store.lastReadMs(userId);
      expect(startedMs).toBeGreaterThan(beforeMs - 1_000);
      expect(startedMs).toBeLessThanOrEqual(afterMs);
    }
  });

  test("set the states of many agents, except those of which a later read is recorded", async () => {
    const [store, other] = await openCustomer(subject);
    const wrapUp = { configuredSeconds: LONG_SECONDS, leftSeconds: LONG_SECONDS };
    const kept = await store.set(1, { status: "available", wrapUp });
    await store.set(2, { status: "available" });
    const replica = await other.open(never);
    const [earlier, later] = [await store.startRead(), await other.startRead()];
    await other.record(3, { status: "in_call" }, later);
    await other.record(4, undefined, later);
    const others = Array.from({ length: 70 }, (_, index) => ({
      userId: 5 + index,
      state: { status: "other" } as const,
    }));
    const found: FoundAgent[] = [
      { userId: 1, state: { status: "available", wrapUp } },
      { userId: 2, state: { status: "in_call", wrapUp } },
      { userId: 3, state: { status: "offline" } },
      { userId: 4, state: { status: "offline" } },
      ...others,
    ];
    await store.recordAll(found, earlier);
    expect((await store.open(never)).size()).toBe(73);
    await reached(replica, (await store.open(never)).cursor());
    expect(replica.read(1)).toMatchObject({ version: kept.version });
    expect(replica.read(2)).toMatchObject({ status: "in_call", wrapUp: { configuredSeconds: LONG_SECONDS } });
    expect([3, 4, 5, 74].map((id) => replica.read(id)?.status)).toEqual(["in_call", undefined, "other", "other"]);
    // The read of agent 2 is recorded as well.
    await other.record(2, { status: "offline" }, earlier - 1);
    expect(replica.read(2)?.status).toBe("in_call");
    await store.recordAll([], later);
  });

  test("of a list are known to both gateways, page by page", async () => {
    const [store, other] = await openCustomer(subject);
    await expect(other.loadListState()).resolves.toMatchObject({ pageCount: undefined, failureCount: 0 });
    const beforeMs = systemClock.monotonicMs();
    const [first, second] = [await store.startRead(), await store.startRead()];
    await expect(store.recordListFailure("Down for 5 minutes")).resolves.toMatchObject({ failureCount: 1 });
    await expect(other.loadListState()).resolves.toMatchObject({ failureCount: 1, reason: "Down for 5 minutes" });
    await store.recordPage({ page: 1, readAt: first, isLast: false, pageIntervalMs: 2_000, graceMs: 5_000 });
    await store.recordPage({ page: 2, readAt: second, isLast: true, pageIntervalMs: 2_000, graceMs: 5_000 });
    const { startedMsByPage, pageCount, failureCount } = await other.loadListState();
    expect([new Set(startedMsByPage.keys()), pageCount, failureCount]).toEqual([new Set([1, 2]), 2, 0]);
    for (const startedMs of startedMsByPage.values()) {
      expect(startedMs).toBeGreaterThan(beforeMs - 1_000);
      expect(startedMs).toBeLessThanOrEqual(systemClock.monotonicMs());
    }
  });

  test("name the agents of another version, and leave their order to the next comparison", async () => {
    const [store, other] = await openCustomer(subject);
    const replica = await store.open(never);
    const { version } = await store.set(1, { status: "available" });
    const readAt = await store.startRead();
    const changed = await other.set(1, { status: "in_call" });
    await expect(store.confirm([{ userId: 1, version }], readAt)).resolves.toEqual([1]);
    expect(replica.read(1)?.version).toBe(changed.version);
    await expect(store.record(1, { status: "available" }, readAt)).resolves.toMatchObject({ status: "available" });
  });
}

function declareVersionTests(subject: StoreUnderTest): void {
  const wrapUp = { configuredSeconds: LONG_SECONDS, leftSeconds: LONG_SECONDS };

  test.each<[string, AgentState]>([
    ["a status", { status: "in_call" }],
    ["a wrap-up time", { status: "available", wrapUp }],
    ["a wrap-up time that has run down", { status: "available", wrapUp: { ...wrapUp, leftSeconds: 0 } }],
  ])("keeps the version when %s is set again", async (_, state) => {
    const [store, other] = await openCustomer(subject);
    const first = await store.set(1, state);
    const received = collectChanges(await other.open(never));
    await expect(other.set(1, state)).resolves.toMatchObject({ version: first.version, updatedAt: first.updatedAt });
    await expect(store.setStatus(1, state.status)).resolves.toMatchObject({ version: first.version });
    expect(received).toEqual([]);
  });

  test.each<[string, AgentState]>([
    ["the status", { status: "in_call", wrapUp }],
    ["the wrap-up time's length", { status: "available", wrapUp: { ...wrapUp, configuredSeconds: LONG_SECONDS + 1 } }],
    ["its remaining seconds", { status: "available", wrapUp: { ...wrapUp, leftSeconds: LONG_SECONDS - 1_000 } }],
    ["its presence", { status: "available" }],
  ])("grows the version when %s changes", async (_, state) => {
    const [store, other] = await openCustomer(subject);
    const first = await store.set(1, { status: "available", wrapUp });
    const second = await other.set(1, state);
    expect(second.version).toBeGreaterThan(first.version);
    expect(Number.isSafeInteger(second.version)).toBe(true);
  });

  test("grows the version over a removal", async () => {
    const [store, other] = await openCustomer(subject);
    const replica = await store.open(never);
    const received = collectChanges(replica);
    const first = await store.set(1, { status: "available" });
    await other.remove(1);
    await other.remove(1);
    const back = await other.set(1, { status: "available" });
    await reached(replica, (await other.open(never)).cursor());
    const versions = received.map((change) => (change === "reset" ? 0 : versionOf(change)));
    expect(versions).toEqual([first.version, expect.any(Number), back.version]);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });
}

function declareSubscriberTests(subject: StoreUnderTest): void {
  test("has the same lastChangeCursor on each gateway, unaffected by other customers", async () => {
    const [[store, other], [stranger]] = [await openCustomer(subject), await openCustomer(subject)];
    const replicas = await Promise.all([store.open(never), other.open(never)]);
    const empty = replicas.map((replica) => replica.lastChangeCursor());
    await store.set(1, { status: "available" });
    for (const replica of replicas) await eventually(() => replica.read(1)).toBeDefined();
    const [here, there] = replicas.map((replica) => replica.lastChangeCursor());
    expect(here).toBe(there);
    expect(empty).not.toContain(here);
    await stranger.set(1, { status: "available" });
    const { cursor } = await stranger.open(never).then((replica) => ({ cursor: replica.cursor() }));
    for (const replica of replicas) await reached(replica, cursor);
    expect(replicas.map((replica) => replica.lastChangeCursor())).toEqual([here, here]);
    await store.remove(1);
    for (const replica of replicas) await eventually(() => replica.read(1)).toBeUndefined();
    expect(replicas.map((replica) => replica.lastChangeCursor())).not.toContain(here);
  });

  test("notifies a listener of each change once and in order, until it is removed", async () => {
    const [store, other] = await openCustomer(subject);
    const replica = await other.open(never);
    const received: Change[] = [];
    const stopListening = replica.listen({ onChange: (change) => void received.push(change), onReset: () => {} });
    await store.set(1, { status: "available" });
    await store.set(2, { status: "in_call" });
    await store.remove(1);
    await reached(replica, (await store.open(never)).cursor());
    stopListening();
    await store.set(3, { status: "offline" });
    expect(received).toMatchObject([{ agent: { userId: 1 } }, { agent: { userId: 2 } }, { removedUserId: 1 }]);
  });

  test("lets a subscriber resume on another gateway from any cursor", async () => {
    const [store, other] = await openCustomer(subject);
    const replica = await store.open(never);
    const begin = replica.cursor();
    const received = collectChanges(replica);
    for (const status of AVAILABILITY_STATUSES) await store.set(1, { status });
    const later = await other.open(never);
    await reached(later, replica.cursor());
    const cursors = [begin, ...received.map((change) => (change === "reset" ? "" : change.cursor))];
    for (const [place, cursor] of cursors.entries()) {
      expect(later.changesSince(cursor)?.map(({ cursor: at }) => at)).toEqual(cursors.slice(place + 1));
    }
    expect(later.changesSince(replica.cursor())).toEqual([]);
  });

  test.each(["", "0", "0-0", "-1", "zz-1", "abcdef-1e3", "abcdef--1", `${"a".repeat(40)}-1`, "abcdef012345-1"])(
    "rejects the cursor %j",
    async (cursor) => {
      const [store] = await openCustomer(subject);
      await store.set(1, { status: "available" });
      expect((await store.open(never)).changesSince(cursor)).toBeUndefined();
    },
  );

  test("recognizes changes that another gateway has already sent", async () => {
    const [store] = await openCustomer(subject);
    const replica = await store.open(never);
    const { epoch, position } = parseCursor(replica.cursor()) ?? { epoch: "", position: 0 };
    const ahead = `${epoch}-${position + 2}`;
    expect(replica.changesSince(ahead)).toEqual([]);
    const received: Change[] = [];
    onTestFinished(replica.listen({ onChange: (change) => void received.push(change), onReset: () => {} }));
    for (const userId of [1, 2, 3]) await store.set(userId, { status: "available" });
    expect(received.filter(({ cursor }) => !isAtOrAfter(ahead, cursor)).map(userIdOf)).toEqual([3]);
  });

  test("rejects with the signal's reason once it has aborted", async () => {
    const [store] = await openCustomer(subject);
    await expect(store.open(AbortSignal.abort("gone"))).rejects.toBe("gone");
  });

  test("is kept current", async () => {
    const [one, other] = await subject.open();
    await one.whenReady(never);
    expect([one.isReady(), (await other.forCustomer("customer").open(never)).staleSinceMs()]).toEqual([
      true,
      undefined,
    ]);
    await expect(one.whenReady(AbortSignal.abort("gone"))).rejects.toBe("gone");
  });
}

const state = fc.record(
  {
    status: fc.constantFrom(...AVAILABILITY_STATUSES),
    wrapUp: fc.constant({ configuredSeconds: LONG_SECONDS, leftSeconds: LONG_SECONDS }),
  },
  { requiredKeys: ["status"] },
);
const userId = fc.integer({ min: 1, max: 3 });

/** A write to one of the two gateways. */
const write = fc.record({
  gateway: fc.constantFrom(0, 1),
  userId,
  state,
  operation: fc.constantFrom("set", "setStatus", "insertIfAbsent", "remove"),
  /** True if the next write waits until this write has resolved. */
  isAwaited: fc.boolean(),
});
type Write = typeof write extends fc.Arbitrary<infer Value> ? Value : never;

async function perform(store: CustomerStore, { operation, userId: id, state: newState }: Write): Promise<void> {
  if (operation === "remove") await store.remove(id);
  else if (operation === "setStatus") await store.setStatus(id, newState.status);
  else await store[operation](id, newState);
}

async function performAll(stores: readonly CustomerStore[], writes: readonly Write[]): Promise<void> {
  const pending: Promise<void>[] = [];
  for (const request of writes) {
    const done = perform(stores[request.gateway] ?? fail(), request);
    pending.push(done);
    if (request.isAwaited) await done;
  }
  await Promise.all(pending);
}

function fail(): never {
  throw new Error("There are two gateways");
}

function declareProperties(subject: StoreUnderTest): void {
  test("all replicas end equal, and listeners receive strictly growing versions", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 25, size: "max" }), async (writes) => {
        const stores = await openCustomer(subject);
        const replicas = await Promise.all(stores.map((store) => store.open(never)));
        const received = replicas.map((replica) => collectChanges(replica));
        await performAll(stores, writes);
        await settle(replicas);
        const [one = [], other = []] = replicas.map((replica) => describeAgents(replica));
        expect(one).toEqual(other);
        for (const changes of received) expectGrowingVersions(changes);
        expect(received[0]?.map(describeChange)).toEqual(received[1]?.map(describeChange));
      }),
      { numRuns: scaleRuns(subject.runs) },
    );
  });

  test("a returning subscriber gets exactly the changes after its cursor on either gateway", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 25, size: "max" }), async (writes) => {
        const stores = await openCustomer(subject);
        const first = await (stores[0] ?? fail()).open(never);
        const cursors = [first.cursor()];
        const received = collectChanges(first);
        onTestFinished(first.listen({ onChange: ({ cursor }) => void cursors.push(cursor), onReset: fail }));
        await performAll(stores, writes);
        // The second gateway starts only now.
        const replicas = [first, await (stores[1] ?? fail()).open(never)];
        await settle(replicas);
        for (const replica of replicas) {
          for (const [place, cursor] of cursors.entries()) {
            const missed = replica.changesSince(cursor) ?? fail();
            expect(missed.map(describeChange)).toEqual(received.slice(place).map(describeChange));
          }
        }
      }),
      { numRuns: scaleRuns(subject.runs) },
    );
  });
}

/** Resolves once all replicas have reached the same position. */
async function settle(replicas: readonly Replica[]): Promise<void> {
  const positions = replicas.map((replica) => parseCursor(replica.cursor())?.position ?? 0);
  const furthest = replicas[positions.indexOf(Math.max(...positions))]?.cursor() ?? fail();
  for (const replica of replicas) await reached(replica, furthest);
}

/** Omits the end of the wrap-up time, which depends on each gateway's clock. */
function describeAgents(replica: Replica) {
  return [...replica.agents()]
    .map(({ wrapUp, ...rest }) => ({ ...rest, configuredSeconds: wrapUp?.configuredSeconds }))
    .sort((a, b) => a.userId - b.userId);
}

function describeChange(change: Change | "reset") {
  return change === "reset" ? change : `${change.cursor} ${userIdOf(change)} ${versionOf(change)}`;
}

export function expectGrowingVersions(changes: readonly (Change | "reset")[]): void {
  const versions = new Map<number, number>();
  for (const change of changes) {
    if (change === "reset") throw new Error("The replica was reset");
    expect(versionOf(change)).toBeGreaterThan(versions.get(userIdOf(change)) ?? 0);
    versions.set(userIdOf(change), versionOf(change));
  }
}
