/** Agents that lists lack: which of them the gateway removes, and by which requests. */
import { expect, onTestFinished, test } from "vitest";
import { countedFetch, setUpAircall, TEST_SETTINGS, tellTo } from "../../test/test-aircall.ts";
import { createAircallUpstream } from "./aircall.ts";

const never = new AbortController().signal;

/** The second page has two agents, 51 and 52. */
const USERS = 52;

/**
 * A gateway that has read the list of 52 agents once. Agent 1 leaves during a raced list, after the first page, and comes
 * again before the next list: agent 51 moves from the second page to the first, so that a raced list lacks agent 51.
 */
async function setUp() {
  const { time, fake, store, statuses } = await setUpAircall({ fake: { users: USERS } });
  const send = countedFetch(time);
  let racedLists = 0;
  let isLeaseOfAnother = false;
  /** Called with each answer of the API; returns the answer for the gateway. */
  const answer = { change: async (_path: string, response: Response): Promise<Response> => response };
  const logged: string[] = [];
  const upstream = createAircallUpstream({
    customerId: "acme",
    settings: { ...TEST_SETTINGS, baseUrl: new URL(`${fake.origin}/`) },
    store: {
      ...store,
      lease: async (task, ...rest) => !(task.endsWith("/poll") && isLeaseOfAnother) && store.lease(task, ...rest),
    },
    log: tellTo(logged),
    clock: time.clock,
    wait: time.wait,
    async fetch(input, init) {
      const { pathname, search } = new URL(new Request(input).url);
      const isFirstPage = search.includes("page=1&");
      if (isFirstPage && !fake.company.find(1)) fake.company.put(1, {});
      const response = await send(input, init);
      if (isFirstPage && racedLists > 0) {
        racedLists -= 1;
        fake.company.remove(1);
      }
      // Read whole, so that the test's time does not wait for the body of an answer that the test keeps.
      const { status, headers } = response;
      return answer.change(pathname, new Response(await response.text(), { status, headers }));
    },
  });
  onTestFinished(upstream.stop);
  const removedIds: number[] = [];
  const replica = await store.forCustomer("acme").open(never);
  replica.listen({
    onChange: (change) => void ("removedUserId" in change && removedIds.push(change.removedUserId)),
    onReset: () => expect.fail(),
  });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  fake.requests.clear();
  /** The requests since then: the numbers of pages, and the ids of agents as negative numbers. */
  const requests = () =>
    fake.requests.all().map(({ path }) => {
      const [, page] = /[?]page=(\d+)/.exec(path) ?? [];
      return page === undefined ? -Number(/users.(\d+)/.exec(path)?.[1]) : Number(page);
    });
  return {
    time,
    fake,
    upstream,
    statuses,
    removedIds,
    logged,
    answer,
    requests,
    readLists: (count: number) => {
      const wanted = requests().filter((page) => page === 2).length + count;
      // The request of the page after the last one comes when that page has been stored.
      return time.until(() => requests().lastIndexOf(1) > nthIndexOf(requests(), 2, wanted));
    },
    race: (lists: number) => void (racedLists = lists),
    letAnotherPoll: (isAnother: boolean) => void (isLeaseOfAnother = isAnother),
  };
}

/** Returns the index of the nth element that equals the value; Infinity if there are fewer. */
function nthIndexOf(values: readonly number[], value: number, nth: number): number {
  const indexes = values.flatMap((each, index) => (each === value ? [index] : []));
  return indexes[nth - 1] ?? Infinity;
}

test("keeps an agent missing from lists in a row because another agent came and went between their pages", async () => {
  const { readLists, race, statuses, removedIds } = await setUp();
  race(4);
  await readLists(4);
  expect(removedIds).toEqual([]);
  expect(statuses()[51]).toBe("available");
});

test("keeps an agent missing from two lists between which another gateway polled for long", async () => {
  const { time, readLists, race, letAnotherPoll, requests, removedIds } = await setUp();
  race(1);
  await readLists(1);
  letAnotherPoll(true);
  await time.elapse(1_800_000);
  letAnotherPoll(false);
  race(1);
  await readLists(2);
  expect(removedIds).toEqual([]);
  expect(requests()).toContain(-51);
});

test("does not remove an agent whom a read has found that began after the read with status 404", async () => {
  const { time, fake, upstream, answer, requests, readLists, statuses, removedIds } = await setUp();
  let release: (() => void) | undefined;
  answer.change = async (path, response) => {
    if (!release && path.includes("/users/2/")) await new Promise<void>((resolve) => (release = resolve));
    return response;
  };
  fake.company.remove(2);
  await time.until(() => release !== undefined);
  expect(requests().at(-1)).toBe(-2);
  fake.company.put(2, { availability: "in_call" });
  await upstream.refresh(2);
  release?.();
  await readLists(1);
  expect(removedIds).toEqual([]);
  expect(statuses()[2]).toBe("in_call");
});

test("checks three agents at once, and then one after each three pages", async () => {
  const { time, fake, requests, removedIds } = await setUp();
  for (let userId = 41; userId <= 45; userId += 1) fake.company.remove(userId);
  await time.until(() => removedIds.length === 5);
  // With 47 agents left, the list has one page.
  const afterwards = requests().slice(requests().indexOf(-41));
  expect(afterwards).toEqual([-41, -42, -43, 1, 1, 1, -44, 1, 1, 1, -45]);
});

test("keeps 800 agents current while it checks 200 removed agents", async () => {
  const { time, fake, upstream, statuses } = await setUpAircall({ fake: { users: 1_000 } });
  upstream.start();
  await time.until(() => upstream.health().staleSinceMs === undefined);
  for (let userId = 801; userId <= 1_000; userId += 1) fake.company.remove(userId);
  const remaining = () => Object.keys(statuses()).length;
  await time.until(() => remaining() < 1_000);
  fake.requests.clear();
  const stale: unknown[] = [];
  while (remaining() > 970) {
    await time.elapse(1_000);
    stale.push(upstream.health().staleSinceMs);
  }
  expect(stale.filter((staleSinceMs) => staleSinceMs !== undefined)).toEqual([]);
  // Of the 29 reads of agents since the first, two follow at once, and the others after three pages each.
  const pages = fake.requests.all().filter(({ path }) => path.includes("availabilities")).length;
  expect(pages).toBeGreaterThanOrEqual(3 * (29 - 2));
});

test("reads every page as before while no missing agent can be read", async () => {
  const { time, fake, answer, requests, statuses, removedIds, upstream } = await setUp();
  answer.change = async (path, response) =>
    path.includes("availabilities") ? response : new Response("{}", { status: 500 });
  for (let userId = 2; userId <= 5; userId += 1) fake.company.hide(userId);
  // The list keeps its two pages.
  for (let userId = 60; userId <= 63; userId += 1) fake.company.put(userId, {});
  await time.until(() => requests().filter((request) => request < 0).length === 9);
  const pages = requests().filter((request) => request > 0);
  expect(pages).toEqual(pages.map((_, index) => (index % 2) + 1));
  // A failed read is followed by three pages, and by the read of the next agent.
  const reads = requests().flatMap((request, index) => (request < 0 ? [{ request, index }] : []));
  expect(reads.slice(1).map(({ index }, place) => index - (reads[place]?.index ?? 0))).toEqual(Array(8).fill(4));
  expect(reads.map(({ request }) => request)).toEqual([-2, -3, -4, -5, -2, -3, -4, -5, -2]);
  expect(removedIds).toEqual([]);
  expect(statuses()[2]).toBe("available");
  expect(upstream.health().failure).toBeDefined();
});

test("does not count the failed read of a missing agent as a failure of the next page", async () => {
  const { time, fake, answer, requests } = await setUp();
  let failedPages = 0;
  answer.change = async (path, response) => {
    const isPage = path.includes("availabilities");
    if (isPage && (!requests().includes(-2) || failedPages === 2)) return response;
    if (isPage) failedPages += 1;
    return new Response("{}", { status: 500 });
  };
  fake.company.hide(2);
  fake.company.put(60, {});
  await time.until(() => requests().length === requests().indexOf(-2) + 5 && requests().includes(-2));
  expect(requests().slice(-5)).toEqual([-2, 1, 1, 1, 2]);
});

test("keeps an agent whom the API neither lists nor lets the gateway read, and says so once", async () => {
  const { time, fake, answer, requests, logged, removedIds, upstream } = await setUp();
  fake.company.hide(2);
  await time.until(() => requests().includes(-2));
  expect(logged).toEqual([]);
  answer.change = async (path, response) =>
    path.includes("/users/2/") ? new Response("{}", { status: 403 }) : response;
  await time.until(() => requests().filter((request) => request === -2).length === 5);
  expect(upstream.health()).toMatchObject({ failure: undefined, staleSinceMs: undefined });
  answer.change = async (_path, response) => response;
  fake.company.remove(2);
  await time.until(() => removedIds.length === 1);
  expect(removedIds).toEqual([2]);
  expect(logged).toEqual([
    "Customer acme: The telephony system no longer lists agent 2, and answers a read of this agent with status 403: the gateway keeps the agent until the status is 404",
  ]);
});
