import { expect, test } from "vitest";
import { toHealth } from "./start-customers.ts";

const clock = { wallMs: () => 0, monotonicMs: () => 90_000 };

test.each([
  [undefined, 0],
  [89_500, 1],
  [60_000, 30],
  [0, 90],
  [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
])("reports an upstream that was up to date until %s ms as %s seconds behind", (staleSinceMs, staleSeconds) => {
  const health = { staleSinceMs, failure: undefined, storeStaleSinceMs: undefined };
  const upstreamStaleSeconds = staleSeconds;
  expect(toHealth("acme", health, clock)).toEqual({ customer: "acme", staleSeconds, upstreamStaleSeconds });
});

test.each([
  [undefined, 60_000, 30, 0],
  [70_000, 60_000, 30, 20],
  [60_000, 70_000, 30, 30],
  [undefined, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0],
])(
  "reports the older of an upstream's %s ms and a store's %s ms",
  (staleSinceMs, storeStaleSinceMs, staleSeconds, upstreamStaleSeconds) => {
    const health = { staleSinceMs, failure: undefined, storeStaleSinceMs };
    expect(toHealth("acme", health, clock)).toEqual({ customer: "acme", staleSeconds, upstreamStaleSeconds });
  },
);

test("reports the remaining budget of an upstream that has a budget", () => {
  const health = { staleSinceMs: undefined, failure: undefined, storeStaleSinceMs: undefined, budgetLeft: 7 };
  expect(toHealth("acme", health, clock)).toEqual({
    customer: "acme",
    staleSeconds: 0,
    upstreamStaleSeconds: 0,
    budgetLeft: 7,
  });
});
