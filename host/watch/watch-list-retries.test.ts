/** Requests that the watch list repeats after a failure. */
import { expect, test, vi } from "vitest";
import type { WatchStatus } from "../connector.ts";
import { CHANGE, change, setUp, setUpLost, tick, unavailable } from "./test-watch-list.ts";

test.each([
  ["with the same users", false],
  ["also if the watched users change before", true],
])("sends services again within 8 s if the next widget could not start them, %s", async (_name, changes) => {
  const { watches, asked } = await setUpLost();
  const [init, watch] = asked.slice(-2);
  init?.reject(unavailable);
  watch?.fulfil({});
  if (changes) watches.watch(2, () => {});
  await tick();
  if (changes) {
    asked.at(-2)?.reject(unavailable);
    asked.at(-1)?.fulfil({});
  }
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(8_000);
  expect(asked.slice(before).map(({ type }) => type)).toEqual(["BUS.INIT", CHANGE]);
  for (const { fulfil } of asked.slice(before)) fulfil({});
  await vi.advanceTimersByTimeAsync(18_000);
  expect(asked).toHaveLength(before + 2);
});

test("retries once within 8 s after several failures", async () => {
  const { watches, asked } = await setUpLost();
  for (const { reject } of asked.slice(-2)) reject(unavailable);
  watches.watch(2, () => {});
  await tick();
  for (const { reject } of asked.slice(-2)) reject(unavailable);
  expect(vi.getTimerCount()).toBe(1);
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(8_000);
  expect(asked).toHaveLength(before + 2);
});

test("retries within 8 s after a retryable failure while users are watched", async () => {
  const { watches, asked } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.reject(unavailable);
  await vi.advanceTimersByTimeAsync(8_000);
  expect(asked).toHaveLength(2);
  asked[1]?.reject(unavailable);
  off();
  await tick();
  asked[2]?.fulfil({});
  await vi.advanceTimersByTimeAsync(18_000);
  expect(asked.map(({ payload }) => payload)).toEqual([change([1]), change([1]), change([], [1])]);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([404, 500, 503])("retries within 8 s after a rejection by the backend with %i", async (status) => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.reject({}, { source: "backend", status });
  await vi.advanceTimersByTimeAsync(8_000);
  expect(asked).toHaveLength(2);
});

test("retries within 8 s after the removal of the iframe, although no widget was lost", async () => {
  const { watches, asked, become } = setUp();
  become("reconnecting");
  watches.watch(1, () => {});
  await tick();
  asked[0]?.reject({ code: "CONNECTION_CLOSED", message: "", retryable: true });
  await tick();
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(8_000);
  expect(asked).toHaveLength(2);
});

test.each([
  ["a rejection of the token by the backend", {}, { source: "backend", status: 401 }],
  ["a lack of rights", {}, { source: "backend", status: 403 }],
  ["the removal of the iframe with its container", { code: "CONNECTION_CLOSED", message: "", retryable: false }, {}],
])("does not retry after %s until the set changes or a new widget connects", async (_name, error, meta) => {
  const { watches, asked, become } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.reject(error, meta);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).toHaveLength(1);
  watches.watch(2, () => {});
  await tick();
  expect(asked).toHaveLength(2);
  asked[1]?.reject(error, meta);
  become("ready");
  await tick();
  expect(asked).toHaveLength(3);
});

test("goes on with the watched users after a service that no widget starts", async () => {
  const { watches, asked } = await setUpLost();
  watches.watch(2, () => {});
  await tick();
  const [init, change] = asked.slice(-2);
  init?.reject({ code: "INVALID_REQUEST", message: "", retryable: false });
  watches.watch(3, () => {});
  change?.fulfil({});
  await vi.advanceTimersByTimeAsync(18_000);
  expect(asked.at(-1)).toMatchObject({ type: CHANGE, payload: { variables: { added: [3] } } });
  asked.at(-1)?.fulfil({});
  await tick();
  expect(asked.filter(({ isSettled, signal }) => !isSettled() && !signal.aborted)).toEqual([]);
});

test("reports a final failure also to a user that has joined since the request", async () => {
  const { watches, asked } = setUp();
  const statuses: string[] = [];
  const onStatus = ({ userId, status }: WatchStatus): void => void statuses.push(`${userId} ${status}`);
  watches.watch(1, () => {}, { onStatus });
  await tick();
  watches.watch(2, () => {}, { onStatus });
  await tick();
  asked[0]?.reject({}, { source: "backend", status: 401 });
  expect(statuses).toEqual(["1 session-expired", "2 session-expired"]);
});

test.each(["ready", "connecting"] as const)(
  "waits before the next request also if a user has joined in the task of the failure, while %s",
  async (state) => {
    const { watches, asked, become } = setUp();
    become(state);
    watches.watch(1, () => {});
    await tick();
    watches.watch(2, () => {});
    asked[0]?.reject(unavailable);
    await vi.advanceTimersByTimeAsync(3_999);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(4_001);
    expect(asked[1]?.payload).toEqual(change([1, 2]));
  },
);
