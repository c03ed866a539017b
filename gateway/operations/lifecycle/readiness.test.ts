import { expect, test } from "vitest";
import { createReadiness } from "./readiness.ts";

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
  expect(readinessOver(isStoreReady, staleSeconds).check().failing).toEqual(failing);
});

test("counts data that is old because the store is away to the store, not to the upstreams", () => {
  const customers = () => [{ customer: "acme", staleSeconds: 90, upstreamStaleSeconds: 0 }];
  const readiness = createReadiness({ healthSources: { isStoreReady: () => false, customers }, staleLimitSeconds: 60 });
  expect(readiness.check().failing).toEqual(["store"]);
});

test("does not call data too old that the upstream's own list takes as long to renew", () => {
  const check = (staleSeconds: number) => {
    const customers = () => [
      { customer: "acme", staleSeconds, upstreamStaleSeconds: staleSeconds, minStaleLimitSeconds: 164 },
    ];
    const healthSources = { isStoreReady: () => true, customers };
    return createReadiness({ healthSources, staleLimitSeconds: 60 }).check().failing;
  };
  expect([check(164), check(165)]).toEqual([[], ["upstreams"]]);
});

test("skips excluded checks", () => {
  const readiness = readinessOver(false, { acme: 61 });
  expect(readiness.check(["upstreams"]).failing).toEqual(["store"]);
  expect(readiness.check(["store", "upstreams"]).failing).toEqual([]);
});

test("is never ready again after it starts closing", () => {
  const readiness = readinessOver(true, { acme: 0 });
  readiness.startClosing();
  expect(readiness.check(["store", "upstreams"]).failing).toEqual(["closing"]);
});
