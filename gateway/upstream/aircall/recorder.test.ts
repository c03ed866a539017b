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

function said(availability: string, id = 1) {
  return [{ id, availability }];
}

test("keeps what the read told that began last, in whatever order they end", async () => {
  const { recorder, statusOf } = await setUp();
  const [first, second, third] = [recorder.startRead(), recorder.startRead(), recorder.startRead()];
  await recorder.record(said("in_call"), second);
  await recorder.record(said("available"), first);
  expect(statusOf(1)).toBe("in_call");
  await recorder.record(said("offline"), third);
  expect(statusOf(1)).toBe("offline");
});

test("is not overtaken by an earlier read while it waits for the store", async () => {
  const { recorder, store, set, statusOf } = await setUp();
  const release: (() => void)[] = [];
  const really = store.set;
  set.mockImplementation(async (...given) => {
    await new Promise<void>((resolve) => release.push(resolve));
    return really(...given);
  });
  const [first, second] = [recorder.startRead(), recorder.startRead()];
  set.mockRestore();
  const later = recorder.record(said("in_call"), second);
  const earlier = recorder.record(said("offline"), first);
  for (const go of release) go();
  await Promise.all([later, earlier]);
  expect(statusOf(1)).toBe("in_call");
});

test("drops what was read of an agent before the agent was changed", async () => {
  const { recorder, statusOf } = await setUp();
  const before = recorder.startRead();
  recorder.invalidate(1);
  await recorder.record([...said("offline"), ...said("offline", 2)], before);
  expect([statusOf(1), statusOf(2)]).toEqual([undefined, "offline"]);
  await recorder.record(said("available"), recorder.startRead());
  expect(statusOf(1)).toBe("available");
});

test("forgets an agent, but not one of whom a later read has told", async () => {
  const { recorder, statusOf } = await setUp();
  const list = recorder.startRead();
  await recorder.record([...said("available"), ...said("available", 2)], list);
  await recorder.record(said("in_call"), recorder.startRead());
  await recorder.remove(1, list);
  await recorder.remove(2, list);
  expect([statusOf(1), statusOf(2)]).toEqual(["in_call", undefined]);
  await expect(recorder.knownUserIds(signal)).resolves.toEqual([1]);
});

test("asks the store for nothing where nothing has changed", async () => {
  const { recorder, set } = await setUp();
  for (let reads = 0; reads < 5; reads += 1) await recorder.record(said("available"), recorder.startRead());
  expect(set).toHaveBeenCalledTimes(1);
});

test("says what could not be kept again at the next read", async () => {
  const { recorder, set, statusOf } = await setUp();
  set.mockRejectedValueOnce(new StoreUnavailableError("away"));
  await expect(recorder.record(said("in_call"), recorder.startRead())).rejects.toThrow(StoreUnavailableError);
  await recorder.record(said("in_call"), recorder.startRead());
  expect(statusOf(1)).toBe("in_call");
});
