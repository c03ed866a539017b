import { expect, test } from "vitest";
import { shardIndexOf, shardNames } from "./shards.ts";

test("has 16 shards in a cluster, and one in a Redis that is no cluster", () => {
  expect(new Set(shardNames("cluster")).size).toBe(16);
  expect(shardNames("single")).toEqual(["00"]);
  expect(shardNames("sentinel")).toEqual(["00"]);
});

// In another shard a release would not find the customer's data.
test.each([
  ["acme", 13],
  ["initech", 2],
  ["customer-0", 14],
  ["umbrella", 9],
])("finds customer %s in the shard %i in every release", (customerId, index) => {
  expect(shardIndexOf(customerId, 16)).toBe(index);
});

test("spreads customers over all shards", () => {
  const counts = Array.from({ length: 16 }, () => 0);
  for (let number = 0; number < 5_000; number += 1) {
    const index = shardIndexOf(`customer-${number}`, 16);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  // 312 on average.
  for (const count of counts) expect(Math.abs(count - 312)).toBeLessThan(100);
});
