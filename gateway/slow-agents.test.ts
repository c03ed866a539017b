import { expect, test } from "vitest";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";
import { withSlowAgents } from "./slow-agents.ts";

const never = new AbortController().signal;

function storeOf(...userIds: readonly number[]): MemoryStore {
  const store = createMemoryStore();
  for (const userId of userIds) store.set(userId, { status: "available" });
  return store;
}

test("waits for a slow agent, then answers what holds at that moment", async () => {
  const store = storeOf(1);
  const waited: number[] = [];
  const slow = withSlowAgents(store, new Map([[1, 3000]]), async (milliseconds) => {
    waited.push(milliseconds);
    store.set(1, { status: "in_call" });
  });
  await expect(slow.read(1, never)).resolves.toMatchObject({ status: "in_call" });
  expect(waited).toEqual([3000]);
});

test("does not wait for the others", async () => {
  const slow = withSlowAgents(storeOf(2), new Map([[1, 3000]]), () => Promise.reject(new Error("waited")));
  await expect(slow.read(2, never)).resolves.toMatchObject({ userId: 2 });
});

test("stops waiting with the signal's reason when it aborts", async () => {
  const controller = new AbortController();
  const slow = withSlowAgents(storeOf(1), new Map([[1, 1_000_000]]));
  const answer = slow.read(1, controller.signal);
  controller.abort("gone");
  await expect(answer).rejects.toBe("gone");
});
