import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseGateway } from "./rendezvous.ts";

const CUSTOMERS = Array.from({ length: 5_000 }, (_, index) => `customer-${index}`);

/** Ids as gateways have. */
function makeGateways(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${index}b5f3a9c04d17e2`);
}

function countByGateway(gateways: readonly string[]): readonly number[] {
  const counts = new Map(gateways.map((id) => [id, 0]));
  for (const customer of CUSTOMERS) {
    const chosen = chooseGateway(customer, gateways) ?? expect.fail();
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  return [...counts.values()];
}

test.each([
  [2, 0.1],
  [4, 0.1],
  [50, 0.4],
])("divides 5,000 customers among %s gateways, each within %s of an equal share", (count, tolerance) => {
  const equal = CUSTOMERS.length / count;
  for (const share of countByGateway(makeGateways(count))) {
    expect(Math.abs(share - equal)).toBeLessThanOrEqual(equal * tolerance);
  }
});

test("moves only the customers of a gateway that comes or goes", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 4 }), { minLength: 1, maxLength: 9 }), fc.string(), (ids, id) => {
      const others = ids.slice(1);
      const chosen = chooseGateway(id, ids);
      if (chosen !== ids[0]) expect(chooseGateway(id, others)).toBe(chosen);
    }),
  );
});

test("chooses the same gateway at any order of the gateways, and each gateway in its place", () => {
  const gateways = makeGateways(4);
  const order = gateways.map((_, place) => chooseGateway("acme", gateways, place));
  expect(new Set(order)).toEqual(new Set(gateways));
  expect(gateways.map((_, place) => chooseGateway("acme", [...gateways].reverse(), place + 4))).toEqual(order);
});

test("chooses none without gateways", () => {
  expect(chooseGateway("acme", [])).toBeUndefined();
});
