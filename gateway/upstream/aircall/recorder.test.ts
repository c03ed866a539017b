import { expect, test, vi } from "vitest";
import { StoreUnavailableError } from "../../store/availability-store.ts";
import { createMemoryStore } from "../../store/memory-store.ts";
import { createRecorder } from "./recorder.ts";

const { signal } = new AbortController();

async function setUp() {
  const clock = { wallMs: () => 0, monotonicMs: () => 0 };
  const store = createMemoryStore({ clock }).forCustomer("acme");
  const write = vi.spyOn(store, "recordAll");
  const log = { line: () => {}, warning: () => {}, defect: () => {} };
  const recorder = createRecorder({ store, wrapUpSeconds: undefined, clock, log, signal });
  const replica = await store.open(signal);
  return { recorder, store, write, statusOf: (userId: number) => replica.read(userId)?.status };
}

function listed(availability: string, id = 1) {
  return [{ id, availability }];
}

test("keeps the result of the read that started last, in any order of completion", async () => {
  const { recorder, statusOf } = await setUp();
  const [first, second, third] = [await recorder.startRead(), await recorder.startRead(), await recorder.startRead()];
  await recorder.record(listed("in_call"), second);
  await recorder.record(listed("available"), first);
  expect(statusOf(1)).toBe("in_call");
  await recorder.record(listed("offline"), third);
  expect(statusOf(1)).toBe("offline");
});

test("keeps the result of the last read even if it found the agent unchanged", async () => {
  const { recorder, statusOf } = await setUp();
  await recorder.record(listed("in_call"), await recorder.startRead());
  const earlier = await recorder.startRead();
  await recorder.record(listed("in_call"), await recorder.startRead());
  await recorder.record([...listed("available"), ...listed("available", 2)], earlier);
  expect([statusOf(1), statusOf(2)]).toEqual(["in_call", "available"]);
});

test("is not overtaken by an earlier read while it waits for the store", async () => {
  const { recorder, store, write, statusOf } = await setUp();
  const release: (() => void)[] = [];
  write.mockImplementationOnce(async (...given) => {
    await new Promise<void>((resolve) => release.push(resolve));
    write.mockRestore();
    return store.recordAll(...given);
  });
  const [first, second] = [await recorder.startRead(), await recorder.startRead()];
  const earlier = recorder.record(listed("offline"), first);
  await vi.waitUntil(() => release.length === 1);
  await recorder.record(listed("in_call"), second);
  for (const resume of release) resume();
  await earlier;
  expect(statusOf(1)).toBe("in_call");
});

test("writes what a read found if another gateway has changed the agent since the replica was compared", async () => {
  const { recorder, store, statusOf } = await setUp();
  await recorder.record(listed("available"), await recorder.startRead());
  const readAt = await recorder.startRead();
  vi.spyOn(store, "confirm").mockImplementationOnce(async (agents) => {
    await store.set(1, { status: "offline" });
    return agents.map(({ userId }) => userId);
  });
  await recorder.record(listed("available"), readAt);
  expect(statusOf(1)).toBe("available");
});

test("removes an agent, but not an agent found by a later read", async () => {
  const { recorder, statusOf } = await setUp();
  const list = await recorder.startRead();
  await recorder.record([...listed("available"), ...listed("available", 2)], list);
  await recorder.record(listed("in_call"), await recorder.startRead());
  await recorder.remove(1, list);
  await recorder.remove(2, list);
  expect([statusOf(1), statusOf(2)]).toEqual(["in_call", undefined]);
  await expect(recorder.knownUserIds(signal)).resolves.toEqual([1]);
});

test("does not write to the store if nothing has changed", async () => {
  const { recorder, write } = await setUp();
  for (let reads = 0; reads < 5; reads += 1) await recorder.record(listed("available"), await recorder.startRead());
  expect(write).toHaveBeenCalledTimes(1);
});

test("stores all new and changed agents of a read by one write", async () => {
  const { recorder, write, statusOf } = await setUp();
  const page = (availability: string) => [1, 2, 3, 4].flatMap((id) => listed(availability, id));
  await recorder.record(page("available"), await recorder.startRead());
  await recorder.record([...page("in_call"), ...listed("offline", 5)], await recorder.startRead());
  expect(write).toHaveBeenCalledTimes(2);
  expect([1, 2, 3, 4, 5].map(statusOf)).toEqual([...Array<string>(4).fill("in_call"), "offline"]);
});

test("retries a failed write at the next read", async () => {
  const { recorder, write, statusOf } = await setUp();
  write.mockRejectedValueOnce(new StoreUnavailableError("away"));
  await expect(recorder.record(listed("in_call"), await recorder.startRead())).rejects.toThrow(StoreUnavailableError);
  await recorder.record(listed("in_call"), await recorder.startRead());
  expect(statusOf(1)).toBe("in_call");
});
