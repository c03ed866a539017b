import { expect, test } from "vitest";
import { createReadiness } from "./readiness.ts";

function readinessOver(isStoreReady: boolean, staleSeconds: Readonly<Record<string, number>>) {
  const customers = Object.entries(staleSeconds).map(([customer, seconds]) => ({ customer, staleSeconds: seconds }));
  return createReadiness({
    standings: { isStoreReady: () => isStoreReady, customers: () => customers },
    staleLimitSeconds: 60,
  });
}

test.each([
  ["is ready while everything is current", true, { acme: 0, other: 60 }, []],
  ["is not ready without its store", false, { acme: 0 }, ["store"]],
  ["is not ready while one customer is staler than the limit", true, { acme: 0, other: 61 }, ["upstreams"]],
  ["is not ready before a customer was ever read", true, { acme: Number.POSITIVE_INFINITY }, ["upstreams"]],
  ["says all that is wrong", false, { acme: 61 }, ["store", "upstreams"]],
] as const)("%s", (_what, isStoreReady, staleSeconds, failing) => {
  expect(readinessOver(isStoreReady, staleSeconds).check().failing).toEqual(failing);
});

test("leaves out what it is told to", () => {
  const readiness = readinessOver(false, { acme: 61 });
  expect(readiness.check(["upstreams"]).failing).toEqual(["store"]);
  expect(readiness.check(["store", "upstreams"]).failing).toEqual([]);
});

test("is never ready again once it closes", () => {
  const readiness = readinessOver(true, { acme: 0 });
  readiness.startClosing();
  expect(readiness.check(["store", "upstreams"]).failing).toEqual(["closing"]);
});
