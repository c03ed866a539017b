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
  expect(toHealth("acme", { staleSinceMs, failure: undefined }, clock)).toEqual({ customer: "acme", staleSeconds });
});

test("reports the remaining budget of an upstream that has a budget", () => {
  const health = { staleSinceMs: undefined, failure: undefined, budgetLeft: 7 };
  expect(toHealth("acme", health, clock)).toEqual({ customer: "acme", staleSeconds: 0, budgetLeft: 7 });
});
