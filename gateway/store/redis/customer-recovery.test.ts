import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { recoverCustomers } from "./customer-recovery.ts";
import { createDeferred, type Deferred } from "./deferred.ts";

/** A recovery of 200 customers, each of which lasts until the test ends it. */
function setUp() {
  const started: string[] = [];
  const running = new Map<string, Deferred<void>>();
  const ids = Array.from({ length: 200 }, (_, index) => `customer-${index}`);
  const recovery = recoverCustomers(ids, (customerId) => {
    const deferred = createDeferred<void>();
    started.push(customerId);
    running.set(customerId, deferred);
    return deferred.promise;
  });
  /** Ends the recovery of a customer. */
  async function end(customerId: string): Promise<void> {
    running.get(customerId)?.resolve();
    running.delete(customerId);
    await turn();
  }
  return { ids, recovery, started, running, end };
}

test("recovers 200 customers in order, eight at a time", async () => {
  const { ids, recovery, started, running, end } = setUp();
  for (const id of ids) {
    expect(running.size).toBe(Math.min(8, ids.length - ids.indexOf(id)));
    await end(id);
  }
  await recovery.finished;
  expect(started).toEqual(ids);
});

test("recovers an awaited customer next, and resolves its callers before the others are recovered", async () => {
  const { recovery, started, end } = setUp();
  const awaited = Promise.all([recovery.whenRecovered("customer-199"), recovery.whenRecovered("customer-199")]);
  await end("customer-3");
  expect(started.slice(8)).toEqual(["customer-199"]);
  await end("customer-199");
  await awaited;
  expect(started.slice(9)).toEqual(["customer-8"]);
  await recovery.whenRecovered("customer-3");
});

test("resolves at once for a customer that needs no recovery", async () => {
  const { recovery } = setUp();
  await recovery.whenRecovered("new");
});

test("starts no customer after an error, and rejects every caller with it", async () => {
  const { recovery, started, running } = setUp();
  const callers = ["customer-0", "customer-199"].map((id) => recovery.whenRecovered(id));
  running.get("customer-0")?.reject(new Error("gone"));
  for (const caller of callers) await expect(caller).rejects.toThrow("gone");
  await expect(recovery.finished).rejects.toThrow("gone");
  await expect(recovery.whenRecovered("customer-100")).rejects.toThrow("gone");
  expect(started).toHaveLength(8);
});
