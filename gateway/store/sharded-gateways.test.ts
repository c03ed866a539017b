import { expect, test } from "vitest";
import { StoreUnavailableError } from "./availability-store.ts";
import type { Announcement } from "./live-gateways.ts";
import { createMemoryStore } from "./memory-store.ts";
import { createShardedGateways } from "./sharded-gateways.ts";

/** Two shards, by the first letter of the customer, with the announcements to each. */
function setUp() {
  const state = { isSecondAway: false };
  const announced: Record<string, Announcement[]> = { a: [], b: [] };
  const withdrawn: string[] = [];
  const openShard = (name: string) => {
    const store = createMemoryStore();
    return {
      ...store,
      gateways: {
        async announce(announcement: Announcement) {
          if (name === "b" && state.isSecondAway) throw new StoreUnavailableError("away");
          announced[name]?.push(announcement);
          return store.gateways.announce(announcement);
        },
        async withdraw() {
          withdrawn.push(name);
          if (name === "b" && state.isSecondAway) throw new StoreUnavailableError("away");
        },
      },
    };
  };
  const [a, b] = [openShard("a"), openShard("b")];
  return { state, announced, withdrawn, gateways: createShardedGateways((id) => (id.startsWith("a") ? a : b)) };
}

const ANNOUNCEMENT = { customerIds: ["a1", "b1", "a2"], listedCustomerIds: ["b1"], durationMs: 7_000 };

test("announces the gateway to each shard with the shard's customers, as the same array while they are the same", async () => {
  const { announced, gateways } = setUp();
  for (let calls = 0; calls < 2; calls += 1) await gateways.announce(ANNOUNCEMENT);
  expect(announced["a"]?.[0]).toEqual({ customerIds: ["a1", "a2"], listedCustomerIds: [], durationMs: 7_000 });
  expect(announced["b"]?.[0]).toEqual({ customerIds: ["b1"], listedCustomerIds: ["b1"], durationMs: 7_000 });
  expect(announced["a"]?.[1]?.customerIds).toBe(announced["a"]?.[0]?.customerIds);
});

test("goes on with the other shards while one cannot be reached, and withdraws from each", async () => {
  const { state, withdrawn, gateways } = setUp();
  state.isSecondAway = true;
  const { partOf } = await gateways.announce(ANNOUNCEMENT);
  expect([partOf("a1")?.gatewaysOf("a1"), partOf("b1")]).toEqual([["sole"], undefined]);
  await gateways.withdraw();
  expect(withdrawn).toEqual(["a", "b"]);
});
