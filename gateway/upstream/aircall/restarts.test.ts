/** A gateway that starts with the data of the store. */
import { expect, onTestFinished, test } from "vitest";
import { StoreUnavailableError } from "../../store/availability-store.ts";
import {
  type AircallSetUp,
  countedFetch,
  pagesRead,
  setUpAircall,
  TEST_SETTINGS,
  tellTo,
} from "../../test/test-aircall.ts";
import { type AircallUpstream, createAircallUpstream } from "./aircall.ts";

/** A gateway that starts after the first, with the same store. */
function openUpstream({ time, store, fake }: Pick<AircallSetUp, "time" | "store" | "fake">): AircallUpstream {
  const upstream = createAircallUpstream({
    customerId: "acme",
    settings: { ...TEST_SETTINGS, baseUrl: new URL(`${fake.origin}/`) },
    store,
    log: tellTo([]),
    clock: time.clock,
    wait: time.wait,
    fetch: countedFetch(time),
  });
  onTestFinished(upstream.stop);
  return upstream;
}

test("is current at once after a restart if the store's data is, and goes on with the oldest page", async () => {
  const { time, upstream, store, fake } = await setUpAircall({ fake: { users: 500 } });
  upstream.start();
  await time.until(() => fake.requests.count() === 13);
  await upstream.stop();
  fake.requests.clear();
  const next = openUpstream({ time, store, fake });
  expect(next.health().staleSinceMs).toBe(-Infinity);
  next.start();
  const restartedAtMs = time.nowMs();
  await time.until(() => next.health().staleSinceMs === undefined);
  expect(time.nowMs()).toBe(restartedAtMs);
  await time.until(() => fake.requests.count() === 3);
  expect(pagesRead(fake)).toEqual(["4", "5", "6"]);
});

test("counts an unchanged page as failed while the store rejects the record of the read", async () => {
  const { time, upstream, store, fake } = await setUpAircall();
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  await upstream.stop();
  const customer = store.forCustomer("acme");
  let isRejecting = true;
  const confirm: typeof customer.confirm = async (agents, readAt) => {
    if (isRejecting) throw new StoreUnavailableError("The store rejects writes");
    return customer.confirm(agents, readAt);
  };
  const next = openUpstream({ time, store: { ...store, forCustomer: () => ({ ...customer, confirm }) }, fake });
  const { startedMsByPage } = await customer.loadListState();
  const recordedMs = startedMsByPage.get(1);
  fake.requests.clear();
  next.start();
  await time.until(() => fake.requests.count() === 2);
  expect(next.health()).toMatchObject({ staleSinceMs: recordedMs, failure: undefined });
  isRejecting = false;
  await time.until(() => next.health().staleSinceMs === undefined);
  expect(startedMsByPage.get(1)).toBeGreaterThan(recordedMs ?? Infinity);
});

test("is as old after a restart as the page that was read longest ago", async () => {
  const { time, upstream, store, fake } = await setUpAircall({ fake: { users: 500 } });
  upstream.start();
  const startedAtMs = time.nowMs();
  await time.until(() => fake.requests.count() === 10);
  await upstream.stop();
  await time.elapse(300_000);
  const next = openUpstream({ time, store, fake });
  next.start();
  await time.until(() => next.health().staleSinceMs !== -Infinity);
  // It has read the first page by now, so the second is the oldest, read half an interval of the polls after the first.
  expect(next.health().staleSinceMs).toBe(startedAtMs + 1_017);
  await time.until(() => next.health().staleSinceMs === undefined);
  expect(time.nowMs() - startedAtMs - 300_000).toBeGreaterThan(18_000);
});
