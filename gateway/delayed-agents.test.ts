import { expect, test } from "vitest";
import { withDelayedAgents } from "./delayed-agents.ts";
import type { CustomerStore } from "./store/availability-store.ts";
import { createMemoryStore } from "./store/memory-store.ts";
import { availabilityServiceOver } from "./test/test-gateway.ts";

const never = new AbortController().signal;

async function storeOf(userId: number): Promise<CustomerStore> {
  const store = createMemoryStore().forCustomer("demo");
  await store.set(userId, { status: "available" });
  return store;
}

test("waits for a delayed agent, then responds with the state at that moment", async () => {
  const store = await storeOf(1);
  const waited: number[] = [];
  const slow = withDelayedAgents(availabilityServiceOver(store), new Map([[1, 3000]]), async (milliseconds) => {
    waited.push(milliseconds);
    await store.set(1, { status: "in_call" });
  });
  await expect(slow.read(1, never)).resolves.toMatchObject({ value: { status: "in_call" } });
  expect(waited).toEqual([3000]);
});

test("does not delay the other agents", async () => {
  const slow = withDelayedAgents(availabilityServiceOver(await storeOf(2)), new Map([[1, 3000]]), () =>
    Promise.reject(new Error("waited")),
  );
  await expect(slow.read(2, never)).resolves.toMatchObject({ value: { userId: 2 } });
});

test("stops waiting with the signal's reason when it aborts", async () => {
  const controller = new AbortController();
  const slow = withDelayedAgents(availabilityServiceOver(await storeOf(1)), new Map([[1, 1_000_000]]));
  const response = slow.read(1, controller.signal);
  controller.abort("gone");
  await expect(response).rejects.toBe("gone");
});
