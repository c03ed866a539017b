import { expect, onTestFinished, test } from "vitest";
import { StoreUnavailableError } from "../store/availability-store.ts";
import type { Announcement, ListSummary, PollPart } from "../store/live-gateways.ts";
import { createTestTime, type TestTime } from "../test/test-time.ts";
import { createPollAssignments, type PollAssignment } from "./poll-assignments.ts";

const CUSTOMERS = Array.from({ length: 100 }, (_, index) => `customer-${index}`);

const LIST: ListSummary = { oldestMs: 0, pageCount: 1, failureCount: 0, moves: 0, reason: "", isLate: false };

/** A store of live gateways, by which each gateway learns of the others. */
function createStore(time: TestTime) {
  const liveUntilMs = new Map<string, { readonly untilMs: number; readonly customerIds: readonly string[] }>();
  const lists = new Map<string, ListSummary>();
  const store = {
    listsId: "first",
    isAway: false,
    lostCustomers: new Set<string>(),
    isBroken: false,
    defects: [] as unknown[],
    announcements: [] as Announcement[],
  };
  return {
    store,
    lists,
    gatewaysOf: (id: string) => ({
      async announce(announcement: Announcement) {
        if (store.isBroken) throw new Error("broken");
        if (store.isAway) throw new StoreUnavailableError("away");
        store.announcements.push(announcement);
        const { durationMs, customerIds, listedCustomerIds } = announcement;
        liveUntilMs.set(id, { untilMs: time.nowMs() + durationMs, customerIds });
        const live = [...liveUntilMs].filter(([, { untilMs }]) => untilMs > time.nowMs());
        const part: PollPart = {
          ownId: id,
          membership: live.map(([each, { customerIds: served }]) => `${each} ${served.length}`).join(),
          listsId: store.listsId,
          gatewaysOf: (customerId: string) =>
            live.filter(([, served]) => served.customerIds.includes(customerId)).map(([each]) => each),
          listOf: (customerId: string) => {
            const list = lists.get(customerId);
            return list?.isLate || listedCustomerIds.includes(customerId) ? list : undefined;
          },
        };
        return { partOf: (customerId: string) => (store.lostCustomers.has(customerId) ? undefined : part) };
      },
      async withdraw() {
        liveUntilMs.delete(id);
      },
    }),
  };
}

/** What a gateway has learned of a customer's list: its summary, on time, or that the store cannot be reached. */
type Learned = ListSummary | "on time" | "lost";

function setUp() {
  const time = createTestTime();
  const shared = createStore(time);
  function openGateway(id: string, customerIds = CUSTOMERS) {
    const learned = new Map<string, Learned[]>(customerIds.map((customerId) => [customerId, []]));
    const assignments = createPollAssignments({
      gateways: shared.gatewaysOf(id),
      clock: time.clock,
      wait: time.wait,
      random: () => 0.5,
      log: { defect: (error) => void shared.store.defects.push(error) },
    });
    const byCustomer = new Map<string, PollAssignment>();
    for (const customerId of customerIds) {
      const learn = (what: Learned) => void learned.get(customerId)?.push(what);
      const customer = {
        customerId,
        onList: (list?: ListSummary) => learn(list ?? "on time"),
        onStoreLost: () => learn("lost"),
      };
      byCustomer.set(customerId, assignments.add(customer));
    }
    assignments.start();
    onTestFinished(assignments.stop);
    const polled = () => [...byCustomer].filter(([, each]) => each.isAssigned()).map(([customerId]) => customerId);
    return { ...assignments, learned, byCustomer, polled };
  }
  return { ...shared, time, openGateway };
}

/** Counts by how many gateways each customer is polled. */
function countPolls(gateways: readonly { polled(): readonly string[] }[]): readonly number[] {
  const counts = new Map(CUSTOMERS.map((id) => [id, 0]));
  for (const each of gateways) for (const id of each.polled()) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...new Set(counts.values())];
}

test("divides the customers among the live gateways, one gateway for each customer", async () => {
  const { time, openGateway } = setUp();
  const gateways = ["a", "b", "c", "d"].map((id) => openGateway(id));
  await time.elapse(5_000);
  expect(countPolls(gateways)).toEqual([1]);
  for (const { polled } of gateways) expect(polled().length).toBeGreaterThan(15);
});

test("gives a new gateway its share, and the customers of a closing or dead gateway to the others", async () => {
  const { time, openGateway } = setUp();
  const first = openGateway("a");
  await time.elapse(5_000);
  expect(first.polled()).toEqual(CUSTOMERS);
  const second = openGateway("b");
  await time.elapse(5_000);
  expect(countPolls([first, second])).toEqual([1]);
  expect(second.polled().length).toBeGreaterThan(30);
  await second.stop();
  // An announcement later.
  await time.elapse(2_001);
  expect(first.polled()).toEqual(CUSTOMERS);
});

test("gives the customers of a gateway that no longer announces itself to the others", async () => {
  const { time, openGateway, gatewaysOf } = setUp();
  await gatewaysOf("dead").announce({ customerIds: CUSTOMERS, listedCustomerIds: [], durationMs: 7_000 });
  const first = openGateway("a");
  await time.elapse(6_000);
  expect(first.polled().length).toBeLessThan(70);
  await time.elapse(4_000);
  expect(first.polled()).toEqual(CUSTOMERS);
});

test("lets only gateways poll a customer that have the customer", async () => {
  const { time, openGateway } = setUp();
  const first = openGateway("a");
  const second = openGateway("b", CUSTOMERS.slice(0, 10));
  await time.elapse(5_000);
  expect(countPolls([first, second])).toEqual([1]);
  expect(first.polled()).toEqual(expect.arrayContaining(CUSTOMERS.slice(10)));
  expect(second.polled().length).toBeGreaterThan(0);
});

test("moves a customer to the next gateway when failures have moved the poll, and wakes the next gateway", async () => {
  const { time, openGateway, lists } = setUp();
  const gateways = [openGateway("a"), openGateway("b")] as const;
  await time.elapse(5_000);
  const [customerId = ""] = gateways[0].polled();
  let isWoken = false;
  const { signal } = new AbortController();
  void gateways[1].byCustomer
    .get(customerId)
    ?.whenAssigned(signal)
    .then(() => {
      isWoken = true;
    });
  lists.set(customerId, { ...LIST, failureCount: 3, moves: 1, isLate: true });
  gateways[0].byCustomer.get(customerId)?.adoptMoves(1);
  expect(gateways[0].byCustomer.get(customerId)?.isAssigned()).toBe(false);
  await time.elapse(2_001);
  expect([gateways[1].byCustomer.get(customerId)?.isAssigned(), isWoken]).toEqual([true, true]);
  expect(countPolls(gateways)).toEqual([1]);
});

test("makes one call for all customers at an interval, and asks only for lists that are late or unknown", async () => {
  const { time, openGateway, store, lists } = setUp();
  for (const id of CUSTOMERS) lists.set(id, LIST);
  const { learned } = openGateway("a");
  await time.elapse(1_000);
  lists.set("customer-3", { ...LIST, isLate: true });
  await time.elapse(2_000);
  lists.set("customer-3", { ...LIST, oldestMs: 2_500 });
  await time.elapse(6_000);
  expect(store.announcements.map(({ listedCustomerIds }) => listedCustomerIds.length)).toEqual([100, 0, 1, 0, 0]);
  expect(learned.get("customer-1")).toEqual([LIST, "on time", "on time", "on time", "on time"]);
  expect(learned.get("customer-3")).toEqual([
    LIST,
    { ...LIST, isLate: true },
    { ...LIST, oldestMs: 2_500 },
    "on time",
    "on time",
  ]);
});

test("takes no list for on time that the store does not have, or has lost", async () => {
  const { time, openGateway, store, lists } = setUp();
  lists.set("customer-1", LIST);
  const { learned } = openGateway("a");
  await time.elapse(3_000);
  expect([learned.get("customer-1"), learned.get("customer-2")]).toEqual([[LIST, "on time"], []]);
  store.listsId = "second";
  lists.clear();
  await time.elapse(10_000);
  expect([learned.get("customer-1"), learned.get("customer-2")]).toEqual([[LIST, "on time"], []]);
});

test("keeps its customers while the store cannot be reached, and says so", async () => {
  const { time, openGateway, store } = setUp();
  const { polled, learned } = openGateway("a");
  await time.elapse(1_000);
  store.isAway = true;
  await time.elapse(2_000);
  expect(polled()).toEqual(CUSTOMERS);
  expect(learned.get("customer-1")).toEqual(["lost"]);
});

test("keeps the customers of a part of the store that cannot be reached, and says so of these alone", async () => {
  const { time, openGateway, store } = setUp();
  const { polled, learned } = openGateway("a");
  await time.elapse(1_000);
  store.lostCustomers.add("customer-1");
  await time.elapse(2_000);
  expect(polled()).toEqual(CUSTOMERS);
  expect([learned.get("customer-1"), learned.get("customer-2")]).toEqual([["lost"], []]);
});

test("goes on after a defect of the store", async () => {
  const { time, openGateway, store } = setUp();
  const { polled, learned } = openGateway("a");
  await time.elapse(1_000);
  store.isBroken = true;
  await time.elapse(2_000);
  expect([learned.get("customer-1"), store.defects.map(String)]).toEqual([["lost"], ["Error: broken"]]);
  store.isBroken = false;
  const count = store.announcements.length;
  await time.elapse(2_000);
  expect(store.announcements.length).toBe(count + 1);
  expect(polled()).toEqual(CUSTOMERS);
});

test("starts polls 5 ms apart", () => {
  const { openGateway } = setUp();
  const { byCustomer } = openGateway("a");
  expect([...byCustomer.values()].slice(0, 4).map((each) => each.startDelayMs())).toEqual([0, 5, 10, 15]);
});

test("wakes no removed customer, and stops waiting when the signal aborts", async () => {
  const { openGateway, time } = setUp();
  const { byCustomer } = openGateway("a", ["acme"]);
  const acme = byCustomer.get("acme") ?? expect.fail();
  const waiting = acme.whenAssigned(AbortSignal.abort(new Error("stopped")));
  await expect(waiting).rejects.toThrow("stopped");
  acme.remove();
  await time.elapse(5_000);
  expect(acme.isAssigned()).toBe(false);
});
