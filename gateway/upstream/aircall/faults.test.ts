/** Reads while the API fails, in part or as a whole, or blocks the account. */
import { expect, test, vi } from "vitest";
import { createAvailabilityService } from "../../availability-service.ts";
import type { Fault } from "../../test/fake-upstream/faults.ts";
import {
  JSON_HEADERS,
  pagesRead,
  respondWith,
  setUpAircall,
  singleReads,
  testWebhook,
} from "../../test/test-aircall.ts";
import { RateBudgetError, UpstreamError } from "../upstream.ts";

const never = new AbortController().signal;

const checkAgent = async () => {};

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
