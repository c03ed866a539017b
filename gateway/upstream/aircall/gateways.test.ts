/** Several gateways polling a customer's account over a shared store. */
import { expect, onTestFinished, test } from "vitest";
import { createMemoryStore } from "../../store/memory-store.ts";
import type { ListState } from "../../store/upstream-reads.ts";
import { startFakeUpstream } from "../../test/fake-upstream/fake-upstream.ts";
import { countedFetch, TEST_SETTINGS, tellTo } from "../../test/test-aircall.ts";
import { createTestTime } from "../../test/test-time.ts";
import { createAircallUpstream } from "./aircall.ts";
import { createSharedLeases } from "./test-leases.ts";

async function setUp() {
  const time = createTestTime();
  const fake = await startFakeUpstream({ nowMs: time.nowMs });
  onTestFinished(fake.close);
  const store = createMemoryStore({ clock: time.clock });
  const count = { first: 0, second: 0 };
  const logged: string[] = [];
  const leased: { readonly task: string; readonly outlivesGateway: boolean }[] = [];
  const listState: { lost: ListState | undefined } = { lost: undefined };
  const customer = store.forCustomer("acme");
  const loadListState = async () => listState.lost ?? customer.loadListState();
  const shared = { ...store, forCustomer: () => ({ ...customer, loadListState }) };
  const leases = createSharedLeases(time, shared);
  const open = (name: "first" | "second") => {
    const send = countedFetch(time);
    const upstream = createAircallUpstream({
      customerId: "acme",
      settings: { ...TEST_SETTINGS, baseUrl: new URL(`${fake.origin}/`) },
      store: {
        ...shared,
        ...leases(name),
        lease: (task, durationMs, options) => {
          leased.push({ task, outlivesGateway: options?.keepAfterClose ?? false });
          return leases(name).lease(task, durationMs, options);
        },
      },
      log: tellTo(logged),
      clock: time.clock,
      wait: time.wait,
      random: () => 0.5,
      fetch: (input, init) => {
        count[name] += 1;
        return send(input, init);
      },
    });
    onTestFinished(upstream.stop);
    return upstream;
  };
  const [first, second] = [open("first"), open("second")];
  first.start();
  await time.until(() => first.health().staleSinceMs === undefined);
  second.start();
  await time.until(() => second.health().staleSinceMs === undefined);
  return { time, fake, first, second, count, logged, leased, customer, listState };
}

test("lets one gateway poll and keeps all gateways current", async () => {
  const { time, first, second, count } = await setUp();
  await time.elapse(600_000);
  expect(count.first).toBeGreaterThan(200);
  expect(count.second).toBe(0);
  expect([first, second].map((upstream) => upstream.health().staleSinceMs)).toEqual([undefined, undefined]);
});

test("keeps a gateway current that knows reads which the store has lost, and as old as these reads are", async () => {
  const { time, second, customer, listState } = await setUp();
  const { startedMsByPage } = await customer.loadListState();
  const knownMs = startedMsByPage.get(1) ?? expect.fail();
  listState.lost = { startedMsByPage: new Map(), pageCount: undefined, failureCount: 0, moves: 0, reason: "" };
  await time.elapse(5_000);
  expect(second.health().staleSinceMs).toBeUndefined();
  await time.until(() => second.health().staleSinceMs !== undefined);
  // The gateway has looked a few seconds earlier.
  expect(second.health().staleSinceMs).toBeLessThanOrEqual(knownMs);
  expect(second.health().staleSinceMs).toBeGreaterThan(knownMs - 5_000);
});

test("does not spend slots again that a closed gateway has spent", async () => {
  const { time, first, second, count, leased } = await setUp();
  await time.elapse(60_000);
  await first.stop();
  const kept = leased.filter(({ task, outlivesGateway }) => task.includes("/slot/") !== outlivesGateway);
  expect(kept).toEqual([]);
  await time.until(() => count.second > 0);
  expect(second.health().staleSinceMs).toBeUndefined();
});

test("lets another gateway poll when the polling gateway disappears", async () => {
  const { time, first, second, count } = await setUp();
  await first.stop();
  const polled = count.first;
  await time.until(() => count.second > 0);
  await time.until(() => second.health().staleSinceMs === undefined);
  await time.elapse(600_000);
  expect(count.first).toBe(polled);
  expect(second.health().staleSinceMs).toBeUndefined();
});

test("tells all gateways when the API is unreachable and when it is reachable again", async () => {
  const { time, fake, first, second } = await setUp();
  const failedAtMs = time.nowMs();
  await fake.setFault({ kind: "refuse" });
  await time.until(() => [first, second].every((upstream) => upstream.health().staleSinceMs !== undefined));
  await time.elapse(120_000);
  for (const { health } of [first, second]) {
    expect(health().staleSinceMs).toBeLessThanOrEqual(failedAtMs + 5_000);
    expect(health().failure).toBeDefined();
  }
  await fake.setFault(undefined);
  await time.until(() => [first, second].every((upstream) => upstream.health().staleSinceMs === undefined));
  expect(second.health().failure).toBeUndefined();
});

test("lets no gateway poll while the API blocks the account", async () => {
  const { time, fake, count } = await setUp();
  await fake.setFault({ kind: "answer", status: 429, text: "{}", headers: {}, times: 1 });
  const sent = fake.requests.count();
  await time.until(() => fake.requests.count() === sent + 1);
  await time.elapse(59_000);
  expect(fake.requests.count()).toBe(sent + 1);
  expect(count.second).toBe(0);
  await time.until(() => fake.requests.count() > sent + 1);
});

test("tells a gateway that does not poll how long the API blocks the account", async () => {
  const { time, fake, first, second } = await setUp();
  await fake.setFault({ kind: "answer", status: 429, text: "{}", headers: {} });
  await time.until(() => second.health().failure !== undefined);
  await time.elapse(40_000);
  const { failure, minStaleLimitSeconds } = second.health();
  expect(failure?.retryAfterSeconds).toBeLessThanOrEqual(20);
  expect(failure?.retryAfterSeconds).toBe(first.health().failure?.retryAfterSeconds);
  expect(minStaleLimitSeconds).toBe(first.health().minStaleLimitSeconds);
  expect(minStaleLimitSeconds).toBeGreaterThan(60);
});

test("reads no agent whom another gateway has read since the webhook", async () => {
  const { time, fake, second } = await setUp();
  for (let requests = 0; requests < 20; requests += 1) await second.refresh(1);
  // The share of these reads is spent.
  const waiting = second.refresh(2);
  await time.elapse(62_000);
  await waiting;
  expect(fake.requests.all().filter(({ path }) => path === "/v1/users/2/availability")).toEqual([]);
});

test("keeps the requests of all gateways within the budget", async () => {
  const { time, fake, first, second } = await setUp();
  const requestsOf = (): number[] => fake.requests.all().map(({ atMs }) => atMs);
  for (let seconds = 0; seconds < 180; seconds += 1) {
    for (const upstream of [first, second]) {
      for (const userId of [1, 2, 3]) upstream.refresh(userId).catch(() => {});
    }
    await time.elapse(1_000);
  }
  const times = requestsOf();
  const inMinute = times.map((beginMs) => times.filter((atMs) => atMs >= beginMs && atMs < beginMs + 60_000).length);
  expect(Math.max(...inMinute)).toBeGreaterThan(45);
  expect(Math.max(...inMinute)).toBeLessThanOrEqual(60);
  expect(fake.requests.all().filter(({ status }) => status !== 200)).toEqual([]);
});
