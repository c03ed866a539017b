import { expect, test } from "vitest";
import { createTestTime } from "../../test/test-time.ts";
import { CHECKS, createReadiness } from "./readiness.ts";

function readinessOver(isStoreReady: boolean, staleSeconds: Readonly<Record<string, number>>) {
  const customers = Object.entries(staleSeconds).map(([customer, seconds]) => {
    return { customer, staleSeconds: seconds, upstreamStaleSeconds: seconds };
  });
  return createReadiness({
    healthSources: { isStoreReady: () => isStoreReady, customers: () => customers },
    staleLimitSeconds: 60,
  });
}

test.each([
  ["is ready while every part is up to date", true, { acme: 0, other: 60 }, []],
  ["is not ready without its store", false, { acme: 0 }, ["store"]],
  ["is not ready while one customer's data is older than the limit", true, { acme: 0, other: 61 }, ["upstreams"]],
  ["is not ready before a customer's data was first read", true, { acme: Number.POSITIVE_INFINITY }, ["upstreams"]],
  ["reports every failing check", false, { acme: 61 }, ["store", "upstreams"]],
] as const)("%s", (_what, isStoreReady, staleSeconds, failing) => {
  expect(readinessOver(isStoreReady, staleSeconds).check(CHECKS)).toEqual(failing);
});

test("counts data that is old because the store is away to the store, not to the upstreams", () => {
  const customers = () => [{ customer: "acme", staleSeconds: 90, upstreamStaleSeconds: 0 }];
  const readiness = createReadiness({ healthSources: { isStoreReady: () => false, customers }, staleLimitSeconds: 60 });
  expect(readiness.check(CHECKS)).toEqual(["store"]);
});

test("does not call data too old that the upstream's own list takes as long to renew", () => {
  const check = (staleSeconds: number) => {
    const customers = () => [
      { customer: "acme", staleSeconds, upstreamStaleSeconds: staleSeconds, minStaleLimitSeconds: 164 },
    ];
    const healthSources = { isStoreReady: () => true, customers };
    return createReadiness({ healthSources, staleLimitSeconds: 60 }).check(CHECKS);
  };
  expect([check(164), check(165)]).toEqual([[], ["upstreams"]]);
});

test("checks the store alone unless asked, so that one customer's upstream makes no gateway unready", () => {
  const readiness = readinessOver(true, { acme: Number.POSITIVE_INFINITY });
  expect([readiness.check(), readiness.check(["upstreams"]), readiness.check([])]).toEqual([[], ["upstreams"], []]);
  expect(readinessOver(false, { acme: 61 }).check()).toEqual(["store"]);
});

test("is not ready before it has reached its store once, also if nobody asks for the store", () => {
  let isStoreReady = false;
  const healthSources = { isStoreReady: () => isStoreReady, customers: () => [] };
  const readiness = createReadiness({ healthSources, staleLimitSeconds: 60 });
  expect([readiness.check([]), readiness.check()]).toEqual([["starting"], ["store"]]);
  isStoreReady = true;
  expect([readiness.check([]), readiness.check()]).toEqual([[], []]);
  isStoreReady = false;
  expect([readiness.check([]), readiness.check()]).toEqual([[], ["store"]]);
});

test("is never ready again after it starts closing", () => {
  const readiness = readinessOver(true, { acme: 0 });
  readiness.startClosing();
  expect([readiness.check(), readiness.check([]), readiness.report().failing]).toEqual([
    ["closing"],
    ["closing"],
    ["closing"],
  ]);
});

test("reads the health of the customers at most once a second, and not at all for the store", async () => {
  const { clock, elapse } = createTestTime();
  let reads = 0;
  const customers = () => {
    reads += 1;
    return [{ customer: "acme", staleSeconds: 0, upstreamStaleSeconds: 0 }];
  };
  const healthSources = { isStoreReady: () => true, customers };
  const readiness = createReadiness({ healthSources, staleLimitSeconds: 60, clock });
  for (let count = 0; count < 100; count += 1) readiness.check();
  expect(reads).toBe(0);
  for (let count = 0; count < 100; count += 1) readiness.check(["upstreams"]);
  readiness.report();
  expect(reads).toBe(1);
  await elapse(999);
  readiness.check(CHECKS);
  expect(reads).toBe(1);
  await elapse(1);
  readiness.report();
  expect(reads).toBe(2);
});
