import { expect, test, vi } from "vitest";
import { createAvailabilityService } from "./availability-service.ts";
import type { StoredAgent } from "./store/agent.ts";
import { StoreUnavailableError, UnreadableAgentError, VersionMismatchError } from "./store/availability-store.ts";
import { createChangeHistory } from "./store/change-history.ts";
import { createMemoryStore } from "./store/memory-store.ts";
import { createReplica, emptyContents, type WritableReplica } from "./store/replica.ts";
import { memoryUpstream } from "./upstream/memory-upstream.ts";
import { type Upstream, UpstreamError, type UpstreamHealth } from "./upstream/upstream.ts";

const never = new AbortController().signal;
const NO_HISTORY = createChangeHistory(0, { length: 10 }).of("demo");
const AGENT = { userId: 1, status: "available", version: 7, updatedAt: 0 } as const;

/** Creates availabilities over a replica and an upstream of a given age, with a clock that the test sets. */
function setUp(upstream: Partial<Upstream> = {}, agents: readonly StoredAgent[] = [AGENT]) {
  const time = { nowMs: 100_000 };
  const clock = { wallMs: () => 0, monotonicMs: () => time.nowMs };
  const replica: WritableReplica = createReplica({ ...emptyContents("0", () => 0, NO_HISTORY), agents });
  const store = { ...createMemoryStore({ clock }).forCustomer("demo"), open: async () => replica };
  const availabilities = createAvailabilityService({
    store,
    upstream: { ...memoryUpstream, ...upstream },
    staleLimitSeconds: 60,
    clock,
  });
  return { availabilities, replica, time };
}

function health(staleSinceMs: number | undefined, failure?: UpstreamError): { health(): UpstreamHealth } {
  return { health: () => ({ staleSinceMs, failure }) };
}

test("has age 0 while the store and the upstream are up to date", async () => {
  const { availabilities } = setUp();
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ value: { userId: 1 }, ageSeconds: 0 });
  await expect(availabilities.read(2, never)).resolves.toEqual({ value: undefined, ageSeconds: 0 });
});

test("reports the age while the store is down, up to the limit", async () => {
  const { availabilities, replica, time } = setUp();
  replica.setStaleSince(100_000);
  time.nowMs = 100_001;
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ ageSeconds: 1 });
  time.nowMs = 160_000;
  await expect(availabilities.readAll(never)).resolves.toMatchObject({ ageSeconds: 60 });
  time.nowMs = 160_001;
  await expect(availabilities.read(1, never)).rejects.toThrow(StoreUnavailableError);
  await expect(availabilities.open(never)).rejects.toThrow(StoreUnavailableError);
  replica.setStaleSince(undefined);
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ ageSeconds: 0 });
});

test("returns the wrap-up time at the time the data was valid, as the age says", async () => {
  const wrapUp = (endsAtMs: number) => ({ configuredSeconds: 30, endsAtMs });
  const agents = [wrapUp(120_000), wrapUp(129_500)].map((each, at) => ({ ...AGENT, userId: at + 1, wrapUp: each }));
  const { availabilities, replica, time } = setUp({}, agents);
  replica.setStaleSince(100_000);
  time.nowMs = 105_000;
  const read = (userId: number) => availabilities.read(userId, never);
  await expect(read(1)).resolves.toMatchObject({ value: { wrapUpTimeTtl: 20 }, ageSeconds: 5 });
  await expect(read(2)).resolves.toMatchObject({ value: { wrapUpTimeTtl: 30 }, ageSeconds: 5 });
  time.nowMs = 105_500;
  await expect(read(2)).resolves.toMatchObject({ value: { wrapUpTimeTtl: 30 }, ageSeconds: 6 });
  expect((await availabilities.readMany([1], never)).value.list()).toMatchObject([{ wrapUpTimeTtl: 21 }]);
});

test("reports the greater age of the store and the upstream", async () => {
  const { availabilities, replica } = setUp(health(80_000));
  replica.setStaleSince(90_000);
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ ageSeconds: 20 });
});

test("allows the upstream's data, but not the store's, the age of two lists of the upstream", async () => {
  const upstream = { health: () => ({ staleSinceMs: 0, failure: undefined, minStaleLimitSeconds: 164 }) };
  const { availabilities, replica, time } = setUp(upstream);
  time.nowMs = 164_000;
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ ageSeconds: 164 });
  expect(availabilities.getCached?.(1)).toMatchObject({ ageSeconds: 164 });
  expect(availabilities.getCachedMany?.([1, 9])).toMatchObject({
    agents: [{ userId: 1 }],
    missing: [9],
    ageSeconds: 164,
  });
  replica.setStaleSince(103_000);
  await expect(availabilities.read(1, never)).rejects.toThrow(StoreUnavailableError);
  expect(availabilities.getCached?.(1)).toBeUndefined();
  expect(availabilities.getCachedMany?.([1])).toBeUndefined();
  replica.setStaleSince(undefined);
  time.nowMs = 164_001;
  await expect(availabilities.read(1, never)).rejects.toThrow(StoreUnavailableError);
});

test("rejects with the upstream's error when the data is too old", async () => {
  const failure = new UpstreamError("Forbidden", { status: 403, body: { message: "Forbidden" } });
  const { availabilities, time } = setUp(health(100_000, failure));
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ ageSeconds: 0 });
  time.nowMs = 200_000;
  await expect(availabilities.read(1, never)).rejects.toBe(failure);
});

/** Creates availabilities over a store with agent 1 and an authoritative upstream that sets a status by the function. */
async function setUpAuthoritative(setStatus: NonNullable<Upstream["setStatus"]>) {
  const store = createMemoryStore().forCustomer("demo");
  const { version } = await store.set(1, { status: "available" });
  const upstream = { ...memoryUpstream, allowsNewUsers: false, setStatus };
  return { store, version, availabilities: createAvailabilityService({ store, upstream, staleLimitSeconds: 60 }) };
}

test("changes nothing in the store if the upstream rejects the change", async () => {
  const failure = new UpstreamError("Rejected", { status: 405 });
  const { availabilities } = await setUpAuthoritative(() => Promise.reject(failure));
  const change = { userId: 1, status: "other" } as const;
  await expect(availabilities.setStatus(change, { signal: never })).rejects.toBe(failure);
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ value: { status: "available" } });
});

test("answers and serves what the upstream has read back, not what was asked for", async () => {
  const { availabilities, store } = await setUpAuthoritative(() => store.set(1, { status: "in_call" }));
  const change = { userId: 1, status: "do_not_disturb" } as const;
  await expect(availabilities.setStatus(change, { signal: never })).resolves.toMatchObject({ status: "in_call" });
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ value: { status: "in_call" } });
});

test("sends the upstream no change of an unknown user or of another version", async () => {
  let requests = 0;
  const { availabilities, version } = await setUpAuthoritative(async ({ checkAgent }) => {
    await checkAgent();
    requests += 1;
    return undefined;
  });
  const scope = { signal: never };
  await expect(availabilities.setStatus({ userId: 2, status: "other" }, scope)).resolves.toBeUndefined();
  const change = { userId: 1, status: "other", ifVersions: [version - 1, version + 1] } as const;
  await expect(availabilities.setStatus(change, scope)).rejects.toThrow(VersionMismatchError);
  expect(requests).toBe(0);
  await availabilities.setStatus({ ...change, ifVersions: [version] }, scope);
  expect(requests).toBe(1);
});

test("checks the version after the store has caught up with other gateways", async () => {
  const { store, availabilities, version } = await setUpAuthoritative(async ({ checkAgent }) => {
    await checkAgent();
    return undefined;
  });
  vi.spyOn(store, "catchUp").mockImplementationOnce(async () => void (await store.set(1, { status: "in_call" })));
  const change = { userId: 1, status: "other", ifVersions: [version] } as const;
  await expect(availabilities.setStatus(change, { signal: never })).rejects.toThrow(VersionMismatchError);
});

test("reports no version mismatch after the upstream has made the change", async () => {
  const { availabilities, store, version } = await setUpAuthoritative(async ({ userId, status }) => {
    // A poll brings another change during the call to the upstream.
    await store.set(userId, { status: "in_call" });
    return store.set(userId, { status });
  });
  const change = { userId: 1, status: "do_not_disturb", ifVersions: [version] } as const;
  await expect(availabilities.setStatus(change, { signal: never })).resolves.toMatchObject({
    status: "do_not_disturb",
  });
});

test("loses no status if another request creates the user at the same time", async () => {
  const store = createMemoryStore().forCustomer("demo");
  const availabilities = createAvailabilityService({ store, upstream: memoryUpstream, staleLimitSeconds: 60 });
  await expect(availabilities.create(1, "available")).resolves.toMatchObject({ status: "available" });
  await expect(availabilities.create(1, "other")).resolves.toMatchObject({ status: "other" });
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ value: { status: "other" } });
});

test("leaves out an agent with unreadable data, and returns the other agents", async () => {
  const { availabilities, replica } = setUp();
  replica.reset({ ...emptyContents("0", () => 0, NO_HISTORY), agents: [AGENT], unreadable: [2] });
  await expect(availabilities.read(2, never)).rejects.toThrow(UnreadableAgentError);
  await expect(availabilities.read(1, never)).resolves.toMatchObject({ value: { userId: 1 } });
  const { value, unreadable } = await availabilities.readMany([1, 2, 3], never);
  expect([value.list(), unreadable]).toEqual([[expect.objectContaining({ userId: 1 })], [2]]);
  replica.apply(1, { cursor: "0-1", agent: { ...AGENT, userId: 2 } });
  await expect(availabilities.read(2, never)).resolves.toMatchObject({ value: { userId: 2 } });
});
