/** Agents as the gateway reads them from lists of the API. */
import { expect, onTestFinished, test } from "vitest";
import type { Fault } from "../../test/fake-upstream/faults.ts";
import { setUpAircall, singleReads, testWebhook } from "../../test/test-aircall.ts";

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
