/** Requests that the watch list sends to the widget, and their time. */
import { expect, test, vi } from "vitest";
import type { WatchStatus } from "../connector.ts";
import { availability, CHANGE, change, setUp, tick } from "./test-watch-list.ts";

/** Creates a watch list of users that are live. */
async function setUpWatching(...userIds: number[]) {
  const side = setUp();
  const offs = userIds.map((userId) => side.watches.watch(userId, () => {}));
  await tick();
  side.asked[0]?.fulfil(Object.fromEntries(userIds.map((userId) => [userId, availability(userId, 1)])));
  return { ...side, offs };
}

test("sends a single request for all users watched in a task, without duplicates", async () => {
  const { watches, asked } = setUp();
  for (const userId of [10, 9, 10, 2]) watches.watch(userId, () => {});
  expect(asked).toEqual([]);
  await tick();
  expect(asked).toMatchObject([{ type: CHANGE, payload: change([10, 9, 2]) }]);
});

test("sends no request if the set of users is unchanged", async () => {
  const { watches, asked } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  watches.watch(1, () => {});
  off();
  await tick();
  expect(asked).toHaveLength(1);
});

test("removes a user with the last listener, also the last user", async () => {
  const { watches, asked } = setUp();
  const [first, second, other] = [watches.watch(1, () => {}), watches.watch(1, () => {}), watches.watch(2, () => {})];
  await tick();
  asked[0]?.fulfil({});
  first();
  first();
  await tick();
  expect(asked).toHaveLength(1);
  second();
  await tick();
  asked[1]?.fulfil({});
  other();
  await tick();
  expect(asked.map(({ payload }) => payload)).toEqual([change([1, 2]), change([], [1]), change([], [2])]);
});

test("sends a changed set only after the settlement of the pending request", async () => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  watches.watch(2, () => {});
  watches.watch(3, () => {});
  await tick();
  expect(asked).toHaveLength(1);
  asked[0]?.fulfil({});
  expect(asked).toMatchObject([{}, { payload: change([2, 3]) }]);
  expect(asked[0]?.signal.aborted).toBe(false);
});

test("replaces a queued request, so that the next widget receives the whole set", async () => {
  const { watches, asked, become } = setUp();
  become("connecting");
  watches.watch(1, () => {});
  await tick();
  watches.watch(2, () => {});
  await tick();
  expect(asked.map(({ payload, signal }) => [payload, signal.aborted])).toEqual([
    [change([1]), true],
    [change([1, 2]), false],
  ]);
});

test("sends only the users that join and leave", async () => {
  const { watches, asked, offs } = await setUpWatching(1, 2);
  offs[0]?.();
  watches.watch(3, () => {});
  await tick();
  expect(asked.slice(1)).toMatchObject([{ payload: change([3], [1]) }]);
  asked[1]?.fulfil({ 3: availability(3, 1) });
  await tick();
  expect(asked).toHaveLength(2);
});

test("sends the whole list again after a reconnect", async () => {
  const { asked, become } = await setUpWatching(1, 2);
  become("reconnecting");
  await tick();
  become("ready");
  await tick();
  expect(asked.at(-1)).toMatchObject({ payload: change([1, 2]) });
});

test("sends an empty change when the page is resumed, because the widget may have crashed unnoticed", async () => {
  const { watches, asked } = await setUpWatching(1, 2);
  watches.checkWidget();
  expect(asked.slice(1)).toMatchObject([{ type: CHANGE, payload: change([]) }]);
});

test("sends long user ids in several requests, none of them above 64 KiB", async () => {
  const side = setUp();
  const userIds = Array.from({ length: 5_000 }, (_, index) => 9_000_000_000_000_000 + index);
  const statuses = new Map<number, string>();
  side.watches.watch(userIds, () => {}, { onStatus: ({ userId, status }) => statuses.set(userId, status) });
  await tick();
  for (let at = 0; at < side.asked.length; at += 1) {
    const { variables } = Object(side.asked[at]?.payload);
    const asked: number[] = variables.added;
    side.asked[at]?.fulfil(Object.fromEntries(asked.map((userId) => [userId, availability(userId, 1)])));
  }
  expect(side.asked).toHaveLength(2);
  for (const { payload } of side.asked) expect(JSON.stringify(payload).length).toBeLessThan(65_000);
  expect([...statuses.values()]).toEqual(Array(5_000).fill("live"));
});

test("sends a list that replaces another of the same size in several requests, and first whom to remove", async () => {
  const side = setUp();
  const idsFrom = (first: number) => Array.from({ length: 5_000 }, (_, index) => first + index);
  const off = side.watches.watch(idsFrom(1_000_000_000), () => {});
  await tick();
  for (const { fulfil } of side.asked) fulfil({});
  off();
  side.watches.watch(idsFrom(2_000_000_000), () => {});
  await tick();
  for (const { isSettled, fulfil } of side.asked) if (!isSettled()) fulfil({});
  for (const { payload } of side.asked) expect(JSON.stringify(payload).length).toBeLessThan(65_000);
  const changes = side.asked.slice(2).map(({ payload }) => Object(payload).variables);
  expect(changes.flatMap(({ removed }) => removed)).toEqual(idsFrom(1_000_000_000));
  expect(changes.flatMap(({ added }) => added)).toEqual(idsFrom(2_000_000_000));
  expect(changes.map(({ added, removed }) => [added.length, removed.length])).toEqual([
    [0, 3_500],
    [2_000, 1_500],
    [3_000, 0],
  ]);
});

test("fails the user that exceeds 5,000 alone, until another user leaves", async () => {
  const side = setUp();
  const userIds = Array.from({ length: 5_000 }, (_, index) => index + 1);
  const off = side.watches.watch(userIds, () => {});
  const statuses: WatchStatus[] = [];
  side.watches.watch(5_001, () => {}, { onStatus: (status) => statuses.push(status) });
  await tick();
  expect(statuses).toEqual([
    {
      userId: 5_001,
      status: "error",
      error: expect.objectContaining({
        code: "INVALID_REQUEST",
        message: "userIds: expected up to 5000 user ids",
        retryable: false,
      }),
    },
  ]);
  for (const { fulfil } of side.asked) fulfil({ 1: availability(1, 1) });
  expect(side.asked.flatMap(({ payload }) => Object(payload).variables.added)).toEqual(userIds);
  off();
  await tick();
  for (const { isSettled, fulfil } of side.asked) if (!isSettled()) fulfil({ 5_001: availability(5_001, 1) });
  expect(statuses[1]).toEqual({ userId: 5_001, status: "live" });
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 53, "123", null, undefined])("rejects %j as a user's id", (userId) => {
  const { watches } = setUp();
  expect(() => watches.watch(userId as never, () => {})).toThrow(
    new TypeError("userId: expected a whole number from 1"),
  );
});

test("does not connect for a user without listeners", async () => {
  const { watches, asked, become } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  become("reconnecting");
  off();
  await tick();
  expect(asked).toHaveLength(1);
});

test("sets no timer for watched users", async () => {
  const { watches, asked } = setUp();
  for (let userId = 1; userId <= 1_000; userId += 1) watches.watch(userId, () => {});
  await tick();
  asked[0]?.fulfil({});
  expect(vi.getTimerCount()).toBe(0);
});

test("sends no request and notifies no listener after the connector is closed", async () => {
  const { watches, asked, become, announce } = setUp();
  const heard = vi.fn();
  watches.watch(1, () => {});
  announce(availability(1, 1));
  const off = watches.watch(1, heard);
  become("closed");
  await tick();
  off();
  watches.watch(2, heard);
  await tick();
  expect(asked).toEqual([]);
  expect(heard).not.toHaveBeenCalled();
});

test("sends nothing more when the page is resumed while a request is in flight", async () => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  watches.checkWidget();
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([false]);
});

test.each([
  ["may be repeated", { code: "BACKEND_UNREACHABLE", message: "", retryable: true }, {}],
  ["is final", {}, { source: "backend", status: 403 }],
])(
  "requests a user whose request failed again when the page is resumed, if the failure %s",
  async (_name, error, meta) => {
    const { watches, asked } = setUp();
    watches.watch(1, () => {});
    await tick();
    asked[0]?.reject(error, meta);
    watches.checkWidget();
    expect(asked.map(({ payload }) => payload)).toEqual([change([1]), change([1])]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked).toHaveLength(2);
  },
);
