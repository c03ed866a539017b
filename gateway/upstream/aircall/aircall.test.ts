import { expect, onTestFinished, test, vi } from "vitest";
import { createAvailabilityService } from "../../availability-service.ts";
import { StoreUnavailableError } from "../../store/availability-store.ts";
import type { Fault } from "../../test/fake-upstream/faults.ts";
import type { RequestLog } from "../../test/fake-upstream/request-log.ts";
import {
  type AircallSetUp,
  countedFetch,
  setUpAircall,
  TEST_SETTINGS,
  tellTo,
  testWebhook,
} from "../../test/test-aircall.ts";
import { RateBudgetError, UnsupportedStatusError, UpstreamError } from "../upstream.ts";
import { type AircallUpstream, createAircallUpstream } from "./aircall.ts";

const never = new AbortController().signal;

const checkAgent = async () => {};

test("is stale until the whole list has been read, and current from then on", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall({ fake: { users: 120 } });
  expect(upstream.health()).toEqual({
    staleSinceMs: -Infinity,
    failure: undefined,
    minStaleLimitSeconds: 0,
    budgetLeft: 60,
    removalsHeldBack: 0,
    isPolling: false,
  });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  expect(Object.keys(statuses())).toHaveLength(120);
  const paths = fake.requests.all().map(({ path }) => path);
  expect(paths).toEqual([1, 2, 3].map((page) => `/v1/users/availabilities?page=${page}&per_page=50`));
  await time.elapse(600_000);
  expect(upstream.health().staleSinceMs).toBeUndefined();
});

test("finds a change in the next poll and keeps the versions of the other agents", async () => {
  const { time, upstream, statuses, fake, store } = await setUpAircall();
  upstream.start();
  await time.until(() => statuses()[3] === "available");
  const replica = await store.forCustomer("acme").open(never);
  const version = replica.read(1)?.version;
  fake.company.put(2, { availability: "in_training" });
  await time.until(() => statuses()[2] === "in_traning");
  expect(replica.read(1)?.version).toBe(version);
});

test("removes an agent missing from two lists in a row if a read has status 404, but not an agent missing once", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  const { requests, company } = fake;
  const sent = (count: number) => time.until(() => requests.count() === count);
  company.remove(2);
  await sent(2);
  company.put(2, { availability: "in_call" });
  await sent(3);
  expect(statuses()).toEqual({ 1: "available", 2: "in_call", 3: "available" });
  company.remove(2);
  await sent(5);
  expect(statuses()[2]).toBe("in_call");
  expect(singleReads(fake)).toEqual([]);
  await sent(6);
  expect(singleReads(fake)).toEqual([["/v1/users/2/availability", 404]]);
  expect(statuses()).toEqual({ 1: "available", 3: "available" });
});

const JSON_HEADERS = { "content-type": "application/json" };

const respondWith = (status: number, text: string, times?: number): Fault => ({
  kind: "answer",
  status,
  text,
  headers: JSON_HEADERS,
  ...(times !== undefined && { times }),
});

/** The statuses of single reads of agents, by path, since the log of requests was cleared. */
function singleReads(fake: { readonly requests: RequestLog }): readonly (readonly [path: string, status: unknown])[] {
  const reads = fake.requests.all().filter(({ path }) => /^.v1.users.\d+.availability$/.test(path));
  return reads.map(({ path, status }) => [path, status]);
}

/** A gateway that starts after the first, with the same store. */
function openUpstream({ time, store, fake }: Pick<AircallSetUp, "time" | "store" | "fake">): AircallUpstream {
  const upstream = createAircallUpstream({
    customerId: "acme",
    settings: { ...TEST_SETTINGS, baseUrl: new URL(`${fake.origin}/`) },
    store,
    log: tellTo([]),
    clock: time.clock,
    wait: time.wait,
    fetch: countedFetch(time),
  });
  onTestFinished(upstream.stop);
  return upstream;
}

const EMPTY_LIST: Fault = {
  kind: "answer",
  status: 200,
  text: '{"users":[],"meta":{"current_page":1,"next_page_link":null}}',
  headers: { "content-type": "application/json" },
};

test("keeps all agents when the API lists none, says so once, and goes on as before when it lists them again", async () => {
  const { time, upstream, statuses, fake, logged } = await setUpAircall({ fake: { users: 120 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  await fake.setFault(EMPTY_LIST);
  await time.until(() => upstream.health().removalsHeldBack === 120);
  await time.elapse(60_000);
  expect(Object.keys(statuses())).toHaveLength(120);
  await fake.setFault(undefined);
  fake.company.remove(7);
  await time.until(() => statuses()[7] === undefined);
  expect(Object.keys(statuses())).toHaveLength(119);
  expect(upstream.health().removalsHeldBack).toBe(120);
  expect(logged.filter((line) => line.includes("list"))).toEqual([
    "Customer acme: The telephony system no longer lists 120 of 120 agents: the gateway keeps them, and removes an agent when a read of this agent has status 404",
    "Customer acme: The telephony system lists most agents again",
  ]);
});

test("keeps the only agent when the API lists none", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall({ fake: { users: 1 } });
  upstream.start();
  await time.until(() => statuses()[1] === "available");
  await fake.setFault(EMPTY_LIST);
  await time.elapse(60_000);
  expect(statuses()).toEqual({ 1: "available" });
});

test("removes, of agents whom a list lacks in suspicious number, those for whom a read has status 404", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall({ fake: { users: 60 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  for (let userId = 31; userId <= 60; userId += 1) fake.company.hide(userId);
  for (let userId = 51; userId <= 60; userId += 1) fake.company.remove(userId);
  fake.company.put(31, { availability: "in_call" });
  fake.requests.clear();
  const before = statuses();
  await time.until(() => upstream.health().removalsHeldBack === 30);
  expect(statuses()).toEqual(before);
  await time.until(() => singleReads(fake).length === 60);
  expect(Object.keys(statuses()).map(Number)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  expect(statuses()[31]).toBe("in_call");
  expect(singleReads(fake).filter(([, status]) => status === 404)).toHaveLength(10);
  // Each agent held back is read before any is read again.
  expect(
    new Set(
      singleReads(fake)
        .slice(0, 30)
        .map(([path]) => path),
    ).size,
  ).toBe(30);
});

test("counts as held back more than a fifth of the agents, and more than five of a small customer", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall({ fake: { users: 60 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  for (let userId = 1; userId <= 12; userId += 1) fake.company.remove(userId);
  await time.until(() => Object.keys(statuses()).length === 48);
  expect(upstream.health().removalsHeldBack).toBe(0);
  for (let userId = 13; userId <= 54; userId += 1) fake.company.remove(userId);
  await time.until(() => Object.keys(statuses()).length === 6);
  expect(upstream.health().removalsHeldBack).toBe(42);
  for (let userId = 55; userId <= 59; userId += 1) fake.company.remove(userId);
  await time.until(() => Object.keys(statuses()).length === 1);
  expect(upstream.health().removalsHeldBack).toBe(42);
});

test.each<[string, Fault, Partial<UpstreamError>]>([
  ["is down", { kind: "refuse" }, { status: undefined }],
  [
    "fails",
    respondWith(500, '{"error":"x","troubleshoot":"y"}'),
    { status: 500, body: { error: "x", troubleshoot: "y" } },
  ],
  ["responds with garbage", respondWith(200, "<html>"), { status: undefined }],
  ["responds with half a JSON", respondWith(200, '{"users":[{"avail'), { status: undefined }],
  ["is cut off", { kind: "cut" }, { status: undefined }],
  ["responds with too much", { kind: "huge", bytes: 5_000_000 }, { status: undefined }],
  ["responds with 403", respondWith(403, '{"message":"Forbidden"}'), { status: 403, body: { message: "Forbidden" } }],
  ["responds with 401", respondWith(401, '{"message":"Unauthorized"}'), { status: 401 }],
])("keeps its agents while the API %s, is stale with a time, and recovers by itself", async (_what, fault, says) => {
  const { time, upstream, statuses, fake, logged } = await setUpAircall({ fake: { users: 60 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  const before = statuses();
  await fake.setFault(fault);
  fake.company.put(1, { availability: "in_call" });
  await time.until(() => upstream.health().failure !== undefined);
  const { staleSinceMs, failure } = upstream.health();
  expect(failure).toMatchObject(says);
  expect(staleSinceMs).toBeLessThan(time.nowMs());
  expect(statuses()).toEqual(before);
  await time.elapse(300_000);
  expect(statuses()).toEqual(before);
  expect(upstream.health().staleSinceMs).toBe(staleSinceMs);
  await fake.setFault(undefined);
  await time.until(() => upstream.health().staleSinceMs === undefined);
  expect(upstream.health().failure).toBeUndefined();
  expect(statuses()[1]).toBe("in_call");
  expect(logged).toHaveLength(2);
  expect(logged[1]).toMatch(/^Customer acme: The telephony system responds again, after \d+ failures$/);
});

test.each([
  ["by the gateway's timeout", { timeoutMs: 50 }],
  ["by the account's timeout before the gateway's", { timeoutMs: 10_000, account: { timeoutMs: 50 } }],
])("stops waiting for an unresponsive API %s, and recovers by itself", async (_how, options) => {
  const { time, upstream, fake, statuses } = await setUpAircall(options);
  await fake.setFault({ kind: "hang" });
  upstream.start();
  await time.until(() => fake.requests.count() === 3);
  expect(upstream.health()).toMatchObject({
    staleSinceMs: -Infinity,
    failure: { status: undefined, message: "The telephony system did not respond within 50 ms" },
  });
  await fake.setFault(undefined);
  await time.until(() => upstream.health().staleSinceMs === undefined);
  expect(Object.keys(statuses())).toHaveLength(3);
});

/** The numbers of the pages that the API was asked for. */
function pagesRead(fake: { readonly requests: RequestLog }): readonly (string | undefined)[] {
  return fake.requests.all().map(({ path }) => /availabilities\?page=(\d+)/.exec(path)?.[1]);
}

test("reads a failed page again by itself, and no other page for it", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall({ fake: { users: 120 } });
  upstream.start();
  await time.until(() => fake.requests.count() === 1);
  await fake.setFault({ kind: "reset", times: 1 });
  await time.until(() => upstream.health().failure !== undefined);
  expect(Object.keys(statuses())).toHaveLength(50);
  await time.until(() => upstream.health().staleSinceMs === undefined);
  expect(Object.keys(statuses())).toHaveLength(120);
  expect(pagesRead(fake)).toEqual(["1", "2", "2", "3"]);
});

test("goes on with the next page if one page fails three times, and comes back to it", async () => {
  const { time, upstream, fake } = await setUpAircall({
    fake: { users: 150 },
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      return /page=2/.test(response.url) ? new Response("{}", { status: 500 }) : response;
    },
  });
  upstream.start();
  await time.until(() => fake.requests.count() === 10);
  expect(pagesRead(fake)).toEqual(["1", "2", "2", "2", "3", "1", "2", "2", "2", "3"]);
  expect(upstream.health().staleSinceMs).toBe(-Infinity);
});

test("serves 2,000 agents without a pause when one page fails once", async () => {
  const { time, upstream, store, fake } = await setUpAircall({ fake: { users: 2_000 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  const customerStore = store.forCustomer("acme");
  const { clock } = time;
  const service = createAvailabilityService({ store: customerStore, upstream, staleLimitSeconds: 60, clock });
  await time.elapse(20_000);
  await fake.setFault({ kind: "answer", status: 500, text: "{}", headers: JSON_HEADERS, times: 1 });
  const ages: number[] = [];
  for (let seconds = 0; seconds < 200; seconds += 1) {
    await time.elapse(1_000);
    ages.push((await service.read(1, never)).ageSeconds);
  }
  // The age of the oldest page shows until the page has been read again.
  expect(ages.filter((age) => age > 0).length).toBeLessThan(10);
  expect(Math.max(...ages)).toBeGreaterThan(60);
});

test("serves the other agents when the API lists one that cannot be read, warns once, and removes none", async () => {
  const { time, upstream, statuses, fake, logged } = await setUpAircall();
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  const entries = [
    { id: 1, availability: "in_call" },
    { id: "Ann Smith", availability: "available" },
  ];
  const text = JSON.stringify({ users: entries, meta: { current_page: 1, next_page_link: null } });
  fake.company.remove(3);
  await fake.setFault(respondWith(200, text));
  await time.elapse(120_000);
  expect(upstream.health()).toMatchObject({ staleSinceMs: undefined, failure: undefined });
  expect(statuses()).toEqual({ 1: "in_call", 2: "available", 3: "available" });
  expect(singleReads(fake)).toEqual([]);
  expect(logged).toEqual([
    "Customer acme: The telephony system lists agents that cannot be read, 1 of them on page 1 (id: expected a whole number of at least 1, but it is of type string): the gateway leaves them out, and removes no agent after such a list",
  ]);
  await fake.setFault(undefined);
  await time.until(() => statuses()[3] === undefined);
  expect(statuses()).toEqual({ 1: "available", 2: "available" });
});

test("serves 500 agents without a pause when the API blocks the account once", async () => {
  const { time, upstream, store, fake } = await setUpAircall({ fake: { users: 500 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  const { clock } = time;
  const customerStore = store.forCustomer("acme");
  const service = createAvailabilityService({ store: customerStore, upstream, staleLimitSeconds: 60, clock });
  await fake.setFault({ kind: "answer", status: 429, text: "{}", headers: {}, times: 1 });
  const ages: number[] = [];
  for (let seconds = 0; seconds < 180; seconds += 1) {
    await time.elapse(1_000);
    ages.push((await service.read(1, never)).ageSeconds);
  }
  // A list takes 20 s.
  expect(Math.max(...ages)).toBeGreaterThan(75);
  expect(ages.at(-1)).toBe(0);
  expect(upstream.health().minStaleLimitSeconds).toBe(41);
});

test("serves 500 agents without a pause if the store learns of the block a moment later than the gateway", async () => {
  const { time, upstream, store, fake } = await setUpAircall({
    fake: { users: 500, requestsPerMinute: 240 },
    account: { requestsPerMinute: 240 },
  });
  const { clock } = time;
  const customerStore = store.forCustomer("acme");
  const { block } = customerStore.requestSlots;
  vi.spyOn(customerStore.requestSlots, "block").mockImplementation(async (milliseconds) => {
    await time.wait(5, never);
    await block(milliseconds);
  });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  const service = createAvailabilityService({ store: customerStore, upstream, staleLimitSeconds: 60, clock });
  await fake.setFault(respondWith(429, "{}", 1));
  await time.until(() => upstream.health().failure?.status === 429);
  upstream.receiveWebhook?.(testWebhook("user.opened", 1));
  const ages: number[] = [];
  for (let turns = 0; turns < 200; turns += 1) {
    await time.elapse(500);
    ages.push((await service.read(1, never)).ageSeconds);
  }
  expect(Math.max(...ages)).toBeGreaterThan(60);
  expect(ages.at(-1)).toBe(0);
});

test("says, past the limit, how long the API blocks the account from the time of the answer", async () => {
  const { time, upstream, store, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  const { clock } = time;
  const customerStore = store.forCustomer("acme");
  const service = createAvailabilityService({ store: customerStore, upstream, staleLimitSeconds: 60, clock });
  await fake.setFault({ kind: "answer", status: 429, text: "{}", headers: {} });
  await time.until(() => upstream.health().failure?.status === 429);
  await time.elapse(100_000);
  await expect(service.read(1, never)).rejects.toMatchObject({ status: 429, retryAfterSeconds: 20 });
  await time.elapse(15_000);
  await expect(service.read(1, never)).rejects.toMatchObject({ status: 429, retryAfterSeconds: 5 });
});

test("rejects reads when the page read longest ago is older than two lists", async () => {
  const { time, upstream, store, fake } = await setUpAircall({ fake: { users: 2_000 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  const { clock } = time;
  const service = createAvailabilityService({
    store: store.forCustomer("acme"),
    upstream,
    staleLimitSeconds: 60,
    clock,
  });
  await fake.setFault({ kind: "refuse" });
  // A list takes 40 pages of 2.034 seconds.
  await time.elapse(70_000);
  await expect(service.read(1, never)).resolves.toMatchObject({ value: { userId: 1 } });
  await time.elapse(95_000);
  await expect(service.read(1, never)).rejects.toThrow(UpstreamError);
});

test("is current at once after a restart if the store's data is, and goes on with the oldest page", async () => {
  const { time, upstream, store, fake } = await setUpAircall({ fake: { users: 500 } });
  upstream.start();
  await time.until(() => fake.requests.count() === 13);
  await upstream.stop();
  fake.requests.clear();
  const next = openUpstream({ time, store, fake });
  expect(next.health().staleSinceMs).toBe(-Infinity);
  next.start();
  const restartedAtMs = time.nowMs();
  await time.until(() => next.health().staleSinceMs === undefined);
  expect(time.nowMs()).toBe(restartedAtMs);
  await time.until(() => fake.requests.count() === 3);
  expect(pagesRead(fake)).toEqual(["4", "5", "6"]);
});

test("counts an unchanged page as failed while the store rejects the record of the read", async () => {
  const { time, upstream, store, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  await upstream.stop();
  const customer = store.forCustomer("acme");
  let isRejecting = true;
  const confirm: typeof customer.confirm = async (agents, readAt) => {
    if (isRejecting) throw new StoreUnavailableError("The store rejects writes");
    return customer.confirm(agents, readAt);
  };
  const next = openUpstream({ time, store: { ...store, forCustomer: () => ({ ...customer, confirm }) }, fake });
  const { startedMsByPage } = await customer.loadListState();
  const recordedMs = startedMsByPage.get(1);
  fake.requests.clear();
  next.start();
  await time.until(() => fake.requests.count() === 2);
  expect(next.health()).toMatchObject({ staleSinceMs: recordedMs, failure: undefined });
  isRejecting = false;
  await time.until(() => next.health().staleSinceMs === undefined);
  expect(startedMsByPage.get(1)).toBeGreaterThan(recordedMs ?? Infinity);
});

test("is as old after a restart as the page that was read longest ago", async () => {
  const { time, upstream, store, fake } = await setUpAircall({ fake: { users: 500 } });
  upstream.start();
  const startedAtMs = time.nowMs();
  await time.until(() => fake.requests.count() === 10);
  await upstream.stop();
  await time.elapse(300_000);
  const next = openUpstream({ time, store, fake });
  next.start();
  await time.until(() => next.health().staleSinceMs !== -Infinity);
  // It has read the first page by now, so the second is the oldest, read half an interval of the polls after the first.
  expect(next.health().staleSinceMs).toBe(startedAtMs + 1_017);
  await time.until(() => next.health().staleSinceMs === undefined);
  expect(time.nowMs() - startedAtMs - 300_000).toBeGreaterThan(18_000);
});

test("sends no request for a minute after a 429, or longer if Retry-After says so", async () => {
  const { time, upstream, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  for (const [headers, seconds] of [
    [{}, 60],
    [{ "retry-after": "7" }, 60],
    [{ "retry-after": "90" }, 90],
    [{ "retry-after": "86400" }, 3600],
  ] as const) {
    fake.requests.clear();
    await fake.setFault({ kind: "answer", status: 429, text: "{}", headers, times: 1 });
    await time.until(() => upstream.health().failure?.status === 429);
    const blockedAtMs = fake.requests.all().at(-1)?.atMs ?? Number.NaN;
    expect(upstream.health().failure?.retryAfterSeconds).toBe(seconds);
    expect(upstream.health().budgetLeft).toBe(0);
    await expect(upstream.setStatus({ userId: 1, status: "available", checkAgent }, { signal: never })).rejects.toThrow(
      RateBudgetError,
    );
    await time.until(() => upstream.health().staleSinceMs === undefined);
    const next = fake.requests.all().filter(({ atMs }) => atMs > blockedAtMs);
    expect(next[0]?.atMs).toBe(blockedAtMs + seconds * 1000);
  }
});

test("recovers from the API's own limit without exceeding it again", async () => {
  // The API grants less than the settings, as when another program uses the account.
  const { time, upstream, fake } = await setUpAircall({ fake: { requestsPerMinute: 20 } });
  upstream.start();
  await time.until(() => upstream.health().failure?.status === 429);
  const rejected = () => fake.requests.all().filter(({ status }) => status === 429);
  expect(rejected()).toHaveLength(1);
  await time.until(() => upstream.health().staleSinceMs === undefined);
  expect(rejected()).toHaveLength(1);
});

test("lists at most 10,000 agents, warns once, and removes no agent beyond them", async () => {
  const { time, upstream, statuses, fake, logged, store } = await setUpAircall({
    fake: { users: 10_001, requestsPerMinute: 6_000 },
    account: { requestsPerMinute: 6_000 },
  });
  await store.forCustomer("acme").set(10_001, { status: "in_call" });
  upstream.start();
  await time.until(() => fake.requests.count() === 600);
  expect(upstream.health().staleSinceMs).toBeUndefined();
  expect(Object.keys(statuses())).toHaveLength(10_001);
  expect(logged.filter((line) => line.includes("has more agents than the 200 pages"))).toHaveLength(1);
});

test("warns once about each unknown status and serves do_not_disturb", async () => {
  const { time, upstream, statuses, fake, logged } = await setUpAircall();
  fake.company.put(1, { availability: "levitating" });
  fake.company.put(2, { availability: `${"x".repeat(1000)}` });
  upstream.start();
  await time.until(() => fake.requests.count() === 10);
  expect(statuses()).toEqual({ 1: "do_not_disturb", 2: "do_not_disturb", 3: "available" });
  expect(logged).toHaveLength(2);
  expect(logged[0]).toBe(
    'Customer acme: The telephony system reports the unknown status "levitating" of an agent: the gateway serves do_not_disturb',
  );
  expect(logged[1]?.length).toBeLessThan(200);
});

test("starts wrap-up time when it is first seen", async () => {
  const { time, upstream, statuses, fake, store } = await setUpAircall({ account: { wrapUpSeconds: 30 } });
  upstream.start();
  await time.until(() => statuses()[1] === "available");
  const replica = await store.forCustomer("acme").open(never);
  fake.company.put(1, { availability: "after_call_work" });
  await time.until(() => statuses()[1] === "do_not_disturb");
  const seen = replica.read(1);
  expect(seen?.wrapUp).toEqual({ configuredSeconds: 30, endsAtMs: time.nowMs() + 30_000 });
  await time.elapse(60_000);
  expect(replica.read(1)).toEqual(seen);
  fake.company.put(1, { availability: "available" });
  await time.until(() => statuses()[1] === "available");
  expect(replica.read(1)?.wrapUp).toBeUndefined();
});

test("sets a status with the caller's trace, and resolves with the agent read back", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall();
  upstream.start();
  fake.company.put(2, { availability: "in_call" });
  await time.until(() => statuses()[2] === "in_call");
  const setting = upstream.setStatus(
    { userId: 1, status: "do_not_disturb", checkAgent },
    { signal: never, traceparent: "00-a-b-01" },
  );
  await expect(setting).resolves.toMatchObject({ userId: 1, status: "do_not_disturb" });
  expect(statuses()[1]).toBe("do_not_disturb");
  expect(fake.company.find(1)).toMatchObject({ setting: "unavailable", availability: "do_not_disturb" });
  expect(fake.requests.all().find(({ method }) => method === "PUT")).toMatchObject({
    path: "/v1/users/1",
    traceparent: "00-a-b-01",
  });
});

test("never shows as available an agent whom the API accepts to make available but leaves in a call", async () => {
  const { time, upstream, statuses, fake, store } = await setUpAircall();
  upstream.start();
  fake.company.put(2, { availability: "in_call" });
  await time.until(() => statuses()[2] === "in_call");
  const seen: unknown[] = [];
  const replica = await store.forCustomer("acme").open(never);
  replica.listen({ onChange: (change) => void seen.push(change), onReset: () => {} });
  // Webhooks have spent all reads after webhooks.
  for (let userId = 1_000; userId < 1_030; userId += 1) upstream.refresh(userId).catch(() => {});
  await time.until(() => fake.requests.count() > 20);
  await expect(
    upstream.setStatus({ userId: 2, status: "available", checkAgent }, { signal: never }),
  ).resolves.toMatchObject({ status: "in_call" });
  expect(fake.company.find(2)).toMatchObject({ setting: "available" });
  expect(seen).toEqual([]);
});

test("stores no status that was set but cannot be read back, and reads the agent later", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => statuses()[1] === "available");
  const fault: Fault = { kind: "answer", status: 500, text: '{"error":"x"}', headers: JSON_HEADERS, times: 1 };
  fake.company.listen(() => void fake.setFault(fault));
  const setting = upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  await expect(setting).rejects.toMatchObject({ status: 500, body: { error: "x" } });
  expect(statuses()[1]).toBe("available");
  const failedAtMs = time.nowMs();
  await time.until(() => statuses()[1] === "do_not_disturb");
  expect(time.nowMs()).toBe(failedAtMs);
});

test("makes one of two concurrent changes on the condition of the same version, and rejects the other", async () => {
  const { time, upstream, statuses, fake, store } = await setUpAircall();
  upstream.start();
  await time.until(() => statuses()[1] === "available");
  const customerStore = store.forCustomer("acme");
  const service = createAvailabilityService({ store: customerStore, upstream, staleLimitSeconds: 60 });
  const version = (await customerStore.open(never)).read(1)?.version ?? 0;
  const change = { userId: 1, status: "do_not_disturb", ifVersions: [version] } as const;
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => service.setStatus(change, { signal: never })));
  expect(outcomes.map((outcome) => (outcome.status === "fulfilled" ? "made" : outcome.reason.name))).toEqual([
    "made",
    "VersionMismatchError",
    "VersionMismatchError",
  ]);
  expect(fake.requests.all().filter(({ method }) => method === "PUT")).toHaveLength(1);
});

test("lets the next change begin when a change fails", async () => {
  const { time, upstream, statuses, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => statuses()[1] === "available");
  await fake.setFault({ kind: "reset", times: 1 });
  const first = upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  const second = upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  await expect(first).rejects.toThrow("could not be reached");
  await expect(second).resolves.toMatchObject({ status: "do_not_disturb" });
});

test("does not overwrite a change with an earlier read", async () => {
  const delayed: { isDelaying: boolean; readonly responses: (() => void)[] } = { isDelaying: false, responses: [] };
  const { time, upstream, statuses, fake } = await setUpAircall({
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (!delayed.isDelaying || !response.url.includes("availabilities")) return response;
      await new Promise<void>((resolve) => {
        delayed.responses.push(resolve);
        init?.signal?.addEventListener("abort", () => resolve());
      });
      return response;
    },
  });
  const happens = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 10_000 });
  upstream.start();
  await happens(() => upstream.health().staleSinceMs === undefined);
  delayed.isDelaying = true;
  fake.company.put(2, { availability: "in_call" });
  await time.elapse(3_000);
  // The list response is delayed back while the agent is changed.
  await happens(() => delayed.responses.length === 1);
  await upstream.setStatus({ userId: 1, status: "do_not_disturb", checkAgent }, { signal: never });
  delayed.responses[0]?.();
  await happens(() => statuses()[2] === "in_call");
  expect(statuses()[1]).toBe("do_not_disturb");
});

test.each(["offline", "in_call", "on_mobile", "in_traning", "other"] as const)(
  "rejects setting %s without calling the API",
  async (status) => {
    const { upstream, fake } = await setUpAircall();
    const setting = upstream.setStatus({ userId: 1, status: status, checkAgent }, { signal: never });
    await expect(setting).rejects.toThrow(UnsupportedStatusError);
    await expect(setting).rejects.toThrow(`cannot set ${status}, only available or do_not_disturb`);
    expect(fake.requests.count()).toBe(0);
  },
);

test("forwards the API's rejection of a write, and a 404 for an unknown agent", async () => {
  const { upstream, fake } = await setUpAircall();
  const setting = upstream.setStatus({ userId: 99, status: "available", checkAgent }, { signal: never });
  await expect(setting).rejects.toMatchObject({ status: 404, body: { error: "User not found" } });
  await fake.setFault(respondWith(405, '{"error":"user not available"}'));
  const rejected = upstream.setStatus({ userId: 1, status: "available", checkAgent }, { signal: never });
  await expect(rejected).rejects.toMatchObject({ status: 405, body: { error: "user not available" } });
});

test("reserves budget for writes and tells when more is available", async () => {
  const { upstream, fake, time } = await setUpAircall({ account: { requestsPerMinute: 6 } });
  // A budget of 6 has one slot for writes and two for refreshes, all unused here. A write takes two slots, a write that
  // the API rejects takes one.
  const outcomes = [];
  for (let writes = 0; writes < 3; writes += 1) {
    outcomes.push(
      await upstream
        .setStatus({ userId: 99, status: "available", checkAgent }, { signal: never })
        .catch((error: unknown) => error),
    );
  }
  expect(outcomes.map((error) => error instanceof UpstreamError && error.status)).toEqual([404, 404, false]);
  expect(outcomes[2]).toMatchObject({ name: "RateBudgetError", retryAfterSeconds: 61 });
  expect(fake.requests.count()).toBe(2);
  await time.elapse(61_000);
  await expect(
    upstream.setStatus({ userId: 99, status: "available", checkAgent }, { signal: never }),
  ).rejects.toMatchObject({ status: 404 });
});

test("may have many changes under way, without a warning by Node", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on("warning", onWarning);
  onTestFinished(() => void process.removeListener("warning", onWarning));
  const { upstream } = await setUpAircall({ fake: { users: 20 } });
  const changes = Array.from({ length: 20 }, (_, index) =>
    upstream.setStatus(
      { userId: 1 + index, status: "available", checkAgent },
      { signal: new AbortController().signal },
    ),
  );
  await Promise.allSettled(changes);
  expect(warnings).toEqual([]);
});

test("names the customer of an unexpected error, after a webhook and of the poll", async () => {
  const observe = () => Promise.reject(new TypeError("broken"));
  const { upstream, time, logged } = await setUpAircall({ observe });
  upstream.receiveWebhook?.(testWebhook("user.opened", 1));
  await time.until(() => logged.length === 1);
  upstream.start();
  await time.until(() => logged.length === 2);
  expect(logged).toEqual(Array(2).fill("Error: Customer acme: unexpected error"));
});

test("aborts pending requests when stopped, and sends no more", async () => {
  const { upstream, fake, time, logged } = await setUpAircall();
  await fake.setFault({ kind: "hang" });
  upstream.start();
  const refreshing = expect(upstream.refresh(1)).rejects.toThrow("no longer polls");
  // No defect: the caller gets a 502, and may repeat the change.
  const writing = expect(
    upstream.setStatus({ userId: 1, status: "available", checkAgent }, { signal: never }),
  ).rejects.toMatchObject({ name: "UpstreamError", message: expect.stringContaining("no longer polls") });
  await expect.poll(() => fake.requests.count(), { timeout: 10_000 }).toBe(3);
  await upstream.stop();
  await Promise.all([refreshing, writing]);
  await expect(upstream.refresh(2)).rejects.toThrow("no longer polls");
  await time.elapse(120_000);
  expect(fake.requests.count()).toBe(3);
  expect(logged).toEqual([]);
});
