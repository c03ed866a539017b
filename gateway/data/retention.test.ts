import { expect, onTestFinished, test } from "vitest";
import { type AvailabilityStore, StoreUnavailableError } from "../store/availability-store.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { startRetention } from "./retention.ts";

/** Retention of the customers acme and globex over a store, whose waits the test ends. */
function setUp(
  eraseOutdated: (customerId: string) => Promise<number>,
  eraseUnserved = async () => ["gone"],
  isReady = () => true,
) {
  const calls: string[] = [];
  const lines: string[] = [];
  const waits: { readonly ms: number; readonly end: () => void }[] = [];
  const memory = createMemoryStore();
  const store: AvailabilityStore = {
    ...memory,
    isReady,
    forCustomer: (id) => ({
      ...memory.forCustomer(id),
      eraseOutdated: () => {
        calls.push(id);
        return eraseOutdated(id);
      },
    }),
    eraseUnserved: () => {
      calls.push("unserved");
      return eraseUnserved();
    },
  };
  const retention = startRetention({
    store,
    customerIds: () => ["acme", "globex"],
    log: { line: (line) => void lines.push(line), defect: (error) => void lines.push(`defect: ${String(error)}`) },
    random: () => 0.5,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        waits.push({ ms, end: resolve });
      }),
  });
  onTestFinished(retention.stop);
  const endWait = async () => {
    const count = waits.length;
    waits.at(-1)?.end();
    await expect.poll(() => waits.length).toBe(count + 1);
  };
  return { calls, lines, waits, endWait, retention };
}

test("erases what is outdated at a random time after the start, and then every hour", async () => {
  const { calls, lines, waits, endWait } = setUp(async (id) => (id === "acme" ? 2 : 0));
  expect(calls).toEqual([]);
  await endWait();
  expect(calls).toEqual(["acme", "globex", "unserved"]);
  expect(lines).toEqual([
    "Customer acme: erased the ids of 2 users that were removed 30 days ago",
    "Customer gone: erased all data, since no gateway has served the customer for 30 days",
  ]);
  await endWait();
  expect(calls).toHaveLength(6);
  expect(waits.map(({ ms }) => ms)).toEqual([300_000, 3_600_000, 3_600_000]);
});

test("erases the data of other shards while one is unavailable, and the rest at the next run", async () => {
  let isAvailable = false;
  const { calls, lines, endWait } = setUp(async (id) => {
    if (id === "acme" && !isAvailable) throw new StoreUnavailableError("Redis cannot be reached");
    return 1;
  });
  await endWait();
  expect(calls).toEqual(["acme", "globex", "unserved"]);
  expect(lines).toEqual([expect.stringMatching("^Customer globex: "), expect.stringMatching("^Customer gone: ")]);
  isAvailable = true;
  await endWait();
  expect(lines.slice(2)).toEqual(["acme", "globex", "gone"].map((id) => expect.stringMatching(`^Customer ${id}: `)));
});

test("asks for no further customer while the whole store is unavailable, and goes on at the next run", async () => {
  let isReady = true;
  const fail = async () => {
    isReady = false;
    throw new StoreUnavailableError("Redis cannot be reached");
  };
  const { calls, lines, endWait } = setUp(fail, fail, () => isReady);
  await endWait();
  expect(calls).toEqual(["acme"]);
  isReady = true;
  await endWait();
  expect([calls, lines]).toEqual([["acme", "acme"], []]);
});

test("reports an unexpected error, and stops without one", async () => {
  const { lines, waits, retention } = setUp(async () => Promise.reject(new Error("unexpected")));
  waits.at(-1)?.end();
  await expect.poll(() => lines).toEqual(["defect: Error: unexpected"]);
  await retention.stop();
  const other = setUp(async () => 0);
  await other.retention.stop();
  expect(other.lines).toEqual([]);
});
