import { expect, test, vi } from "vitest";
import { StoreUnavailableError } from "../../store/availability-store.ts";
import { createMemoryStore } from "../../store/memory-store.ts";
import { createRecorder } from "./recorder.ts";

const { signal } = new AbortController();

async function setUp() {
  const clock = { wallMs: () => 0, monotonicMs: () => 0 };
  const store = createMemoryStore({ clock }).forCustomer("acme");
  const set = vi.spyOn(store, "set");
  const log = { line: () => {}, warning: () => {}, defect: () => {} };
  const recorder = createRecorder({ store, wrapUpSeconds: undefined, clock, log, signal });
  const replica = await store.open(signal);
  return { recorder, store, set, statusOf: (userId: number) => replica.read(userId)?.status };
}

function listed(availability: string, id = 1) {
  return [{ id, availability }];
}

test("keeps the result of the read that started last, in any order of completion", async () => {
  const { recorder, statusOf } = await setUp();
  const [first, second, third] = [recorder.startRead(), recorder.startRead(), recorder.startRead()];
  await recorder.record(listed("in_call"), second);
  await recorder.record(listed("available"), first);
  expect(statusOf(1)).toBe("in_call");
  await recorder.record(listed("offline"), third);
  expect(statusOf(1)).toBe("offline");
});

test("is not overtaken by an earlier read while it waits for the store", async () => {
  const { recorder, store, set, statusOf } = await setUp();
  const release: (() => void)[] = [];
  const original = store.set;
  set.mockImplementation(async (...given) => {
    await new Promise<void>((resolve) => release.push(resolve));
    return original(...given);
  });
  const [first, second] = [recorder.startRead(), recorder.startRead()];
  set.mockRestore();
  const later = recorder.record(listed("in_call"), second);
  const earlier = recorder.record(listed("offline"), first);
  for (const resume of release) resume();
  await Promise.all([later, earlier]);
  expect(statusOf(1)).toBe("in_call");
});

test("ignores reads that started before the agent was changed", async () => {
  const { recorder, statusOf } = await setUp();
  const before = recorder.startRead();
  recorder.invalidate(1);
  await recorder.record([...listed("offline"), ...listed("offline", 2)], before);
  expect([statusOf(1), statusOf(2)]).toEqual([undefined, "offline"]);
  await recorder.record(listed("available"), recorder.startRead());
  expect(statusOf(1)).toBe("available");
});

test("removes an agent, but not an agent found by a later read", async () => {
  const { recorder, statusOf } = await setUp();
  const list = recorder.startRead();
  await recorder.record([...listed("available"), ...listed("available", 2)], list);
  await recorder.record(listed("in_call"), recorder.startRead());
  await recorder.remove(1, list);
  await recorder.remove(2, list);
  expect([statusOf(1), statusOf(2)]).toEqual(["in_call", undefined]);
  await expect(recorder.knownUserIds(signal)).resolves.toEqual([1]);
});

test("does not write to the store if nothing has changed", async () => {
  const { recorder, set } = await setUp();
  for (let reads = 0; reads < 5; reads += 1) await recorder.record(listed("available"), recorder.startRead());
  expect(set).toHaveBeenCalledTimes(1);
});

test("retries a failed write at the next read", async () => {
  const { recorder, set, statusOf } = await setUp();
  set.mockRejectedValueOnce(new StoreUnavailableError("away"));
  await expect(recorder.record(listed("in_call"), recorder.startRead())).rejects.toThrow(StoreUnavailableError);
  await recorder.record(listed("in_call"), recorder.startRead());
  expect(statusOf(1)).toBe("in_call");
});
