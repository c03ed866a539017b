/** Statuses of watched users, and the state of the whole watch list. */
import { getEventListeners } from "node:events";
import { expect, test, vi } from "vitest";
import type { WatchStatus } from "../connector.ts";
import { availability, CHANGE, change, type OtherSide, setUp, tick, unavailable, watching } from "./test-watch-list.ts";

/** Watches users, and records each user's statuses as words. */
function watchStatuses({ watches }: OtherSide, ...userIds: number[]) {
  const statuses: WatchStatus[] = [];
  const off = watches.watch(userIds, () => {}, { onStatus: (status) => statuses.push(status) });
  return { statuses, off, words: () => statuses.map(({ userId, status }) => `${userId} ${status}`) };
}

/** Creates a watch list with user 1 live. */
async function setUpLive() {
  const side = setUp();
  const watch = watchStatuses(side, 1);
  await tick();
  side.asked[0]?.fulfil({ 1: availability(1, 3) });
  return { ...side, ...watch };
}

test("statuses are `live` for a user in the answer, and `unknown-user` for a user that the answer lacks", async () => {
  const side = setUp();
  const { words } = watchStatuses(side, 1, 2);
  await tick();
  expect(words()).toEqual([]);
  side.asked[0]?.fulfil({ 1: availability(1, 3) });
  expect(words()).toEqual(["1 live", "2 unknown-user"]);
  side.announce(availability(2, 4));
  expect(words().slice(2)).toEqual(["2 live"]);
});

test("statuses reach a listener that comes later", async () => {
  const side = await setUpLive();
  const { words } = watchStatuses(side, 1);
  expect(words()).toEqual([]);
  await tick();
  expect(words()).toEqual(["1 live"]);
  expect(side.words()).toEqual(["1 live"]);
});

test.each([
  [{ status: 401 }, "session-expired"],
  [{ status: 403 }, "not-allowed"],
  [{ status: 500 }, "error"],
])("statuses after a rejection by the backend with %j are `%s`, with the error", async ({ status }, expected) => {
  const side = setUp();
  const { statuses } = watchStatuses(side, 1);
  await tick();
  side.asked[0]?.reject({ title: "no" }, { source: "backend", status });
  expect(statuses).toEqual([{ userId: 1, status: expected, error: expect.objectContaining({ status }) }]);
});

test("statuses are `error` for a user whom the backend has and cannot read, and that user alone is asked for again within 8 s", async () => {
  const side = setUp();
  const { statuses } = watchStatuses(side, 1, 2);
  await tick();
  const error = { title: "Service Unavailable", status: 503 };
  side.asked[0]?.fulfil({ 1: availability(1, 3), 2: { error, status: 503 } });
  expect(statuses).toEqual([
    { userId: 1, status: "live" },
    { userId: 2, status: "error", error: expect.objectContaining({ status: 503, error, retryable: true }) },
  ]);
  await vi.advanceTimersByTimeAsync(3_999);
  expect(side.asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(4_002);
  expect(side.asked[1]?.payload).toEqual(change([2]));
  side.asked[1]?.fulfil({ 2: availability(2, 4) });
  expect(statuses.slice(2)).toEqual([{ userId: 2, status: "live" }]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(side.asked).toHaveLength(2);
});

test("statuses are `error` after a failure of the bridge, and `live` within 8 s after the failure's end", async () => {
  const side = setUp();
  const { statuses, words } = watchStatuses(side, 1);
  await tick();
  side.asked[0]?.reject(unavailable);
  expect(statuses).toEqual([
    { userId: 1, status: "error", error: expect.objectContaining({ code: "BACKEND_UNREACHABLE" }) },
  ]);
  await vi.advanceTimersByTimeAsync(8_000);
  side.asked[1]?.fulfil({ 1: availability(1, 3) });
  expect(words()).toEqual(["1 error", "1 live"]);
});

test("statuses are `stale` from the loss of the connection until the next widget has fulfilled the watch", async () => {
  const side = await setUpLive();
  expect(side.watches.liveState()).toBe("live");
  const lostAt = Date.now();
  side.become("reconnecting");
  await tick();
  expect(side.statuses.slice(1)).toEqual([{ userId: 1, status: "stale", since: lostAt }]);
  expect(side.watches.liveState()).toBe("stale");
  await vi.advanceTimersByTimeAsync(1_000);
  side.become("ready");
  await tick();
  expect(side.words()).toEqual(["1 live", "1 stale"]);
  side.asked.at(-1)?.fulfil({ 1: availability(1, 3) });
  expect(side.words()).toEqual(["1 live", "1 stale", "1 live"]);
  expect(side.watches.liveState()).toBe("live");
});

test("statuses are `stale` while the widget announces so, since its last sign of life", async () => {
  const side = await setUpLive();
  const states: string[] = [];
  side.watches.onLiveChange((state) => states.push(state));
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 45_000 } }, false);
  expect(side.statuses.at(-1)).toEqual({ userId: 1, status: "stale", since: Date.now() - 45_000 });
  side.announce(availability(1, 4));
  expect(side.words()).toEqual(["1 live", "1 stale"]);
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "live", ageMs: 0 } }, false);
  expect(side.words()).toEqual(["1 live", "1 stale", "1 live"]);
  expect(states).toEqual(["stale", "live"]);
});

test("statuses keep the time of the last sign of life when the connection of a stale widget is lost as well", async () => {
  const side = await setUpLive();
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 45_000 } }, false);
  const since = Date.now() - 45_000;
  await vi.advanceTimersByTimeAsync(1_000);
  side.become("reconnecting");
  const late = watchStatuses(side, 1);
  await tick();
  expect(late.statuses).toEqual([{ userId: 1, status: "stale", since }]);
});

test("statuses are `removed` after the announcement, until an availability with a higher version", async () => {
  const side = await setUpLive();
  side.watches.handleEvent({ type: "USER.AVAILABILITY_REMOVED", payload: { userId: 1, version: 5 } }, false);
  side.announce(availability(1, 4));
  side.announce(availability(1, 5));
  expect(side.words()).toEqual(["1 live", "1 removed"]);
  side.announce(availability(1, 6));
  expect(side.words()).toEqual(["1 live", "1 removed", "1 live"]);
});

test("statuses are `error` for a user who has become unreadable: the user alone is asked for again at once", async () => {
  const side = await setUpLive();
  const payload = { userId: 1, version: 2, isUnreadable: true };
  side.watches.handleEvent({ type: "USER.AVAILABILITY_REMOVED", payload }, false);
  await tick();
  expect(side.asked[1]?.payload).toEqual(change([1]));
  side.asked[1]?.fulfil({ 1: { error: { title: "Service Unavailable", status: 503 }, status: 503 } });
  await vi.advanceTimersByTimeAsync(8_000);
  side.asked[2]?.fulfil({ 1: availability(1, 3) });
  expect(side.words()).toEqual(["1 live", "1 error", "1 live"]);
});

test("statuses are `removed` for a watched user that the next widget lacks", async () => {
  const side = await setUpLive();
  side.become("reconnecting");
  side.become("ready");
  await tick();
  side.asked.at(-1)?.fulfil({});
  expect(side.words()).toEqual(["1 live", "1 stale", "1 removed"]);
});

test("statuses are `session-expired` until the next session's answer, also for a user whom the next session may not see", async () => {
  const side = await setUpLive();
  const second = watchStatuses(side, 2);
  await tick();
  side.asked.at(-1)?.fulfil({ 2: availability(2, 3) });
  side.watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);
  expect([side.words(), second.words()]).toEqual([
    ["1 live", "1 session-expired"],
    ["2 live", "2 session-expired"],
  ]);
  expect(side.watches.liveState()).toBe("stale");
  side.announce(availability(1, 3));
  await tick();
  expect(side.asked.slice(2)).toMatchObject([{ payload: change([1, 2]) }]);
  side.asked[2]?.fulfil({ 1: availability(1, 3) });
  expect([side.words().at(-1), second.words().at(-1)]).toEqual(["1 live", "2 unknown-user"]);
});

test("statuses end with the signal, and a watch with an aborted signal sends nothing", async () => {
  const side = setUp();
  const heard = vi.fn();
  const controller = new AbortController();
  side.watches.watch([1], heard, { signal: controller.signal });
  await tick();
  side.asked[0]?.fulfil({});
  controller.abort();
  side.announce(availability(1, 3));
  await tick();
  expect(side.asked.map(({ payload }) => payload)).toEqual([change([1]), change([], [1])]);
  side.asked[1]?.fulfil({});
  side.watches.watch([2], heard, { signal: controller.signal });
  await tick();
  expect([side.asked.length, heard.mock.calls]).toEqual([2, []]);
});

test("statuses are `idle` for the whole before the first answer and without a watch", async () => {
  const side = setUp();
  const { off } = watchStatuses(side, 1);
  await tick();
  expect(side.watches.liveState()).toBe("idle");
  side.asked[0]?.fulfil({});
  expect(side.watches.liveState()).toBe("live");
  off();
  await tick();
  expect(side.watches.liveState()).toBe("idle");
});

test("statuses are `live` with the next widget if the last one was stale and has fulfilled nothing", async () => {
  const side = setUp();
  const { words } = watchStatuses(side, 1);
  await tick();
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 45_000 } }, false);
  side.become("reconnecting");
  side.become("ready");
  await tick();
  side.asked.at(-1)?.fulfil({ 1: availability(1, 3) });
  expect(words()).toEqual(["1 live"]);
  expect(side.watches.liveState()).toBe("live");
});

test("statuses are `live` within 8 s after the removal of an iframe that the connector can replace, also before the first widget", async () => {
  const side = setUp();
  side.become("connecting");
  const { words } = watchStatuses(side, 1);
  await tick();
  side.asked[0]?.reject({ code: "CONNECTION_CLOSED", message: "", retryable: true });
  await vi.advanceTimersByTimeAsync(8_000);
  side.asked[1]?.fulfil({ 1: availability(1, 3) });
  expect(words()).toEqual(["1 error", "1 live"]);
});

test("statuses are `session-expired` until the widget announces the next session, if no watched user exists any more", async () => {
  const side = setUp();
  const { words } = watchStatuses(side, 1);
  await tick();
  side.asked[0]?.fulfil({});
  side.watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "live", ageMs: 0 } }, false);
  await tick();
  side.asked[1]?.fulfil({});
  expect(words()).toEqual(["1 unknown-user", "1 session-expired", "1 unknown-user"]);
  expect(side.watches.liveState()).toBe("live");
});

test.each([
  ["unknown-user", () => {}],
  [
    "removed",
    ({ watches }: OtherSide) => {
      watches.handleEvent({ type: "USER.AVAILABILITY_REMOVED", payload: { userId: 1, version: 5 } }, false);
    },
  ],
])("statuses are `stale` also after `%s`, because the user may have come back", async (word, remove) => {
  const side = setUp();
  const { words } = watchStatuses(side, 1);
  await tick();
  side.asked[0]?.fulfil({});
  remove(side);
  const before = words();
  expect(before.at(-1)).toBe(`1 ${word}`);
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 45_000 } }, false);
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "live", ageMs: 0 } }, false);
  expect(words().slice(before.length)).toEqual(["1 stale", `1 ${word}`]);
});

test.each([
  ["a watched user and the page's own list of one", [1], [], [1]],
  ["a watched user and a service", [1], ["USER"], []],
  ["a service and the page's own list of one", [], ["USER"], [1]],
  ["a service alone", [], ["USER"], []],
  ["the page's own list alone", [], [], [1]],
])("the whole is `live` with %s", async (_name, userIds, services, listed) => {
  const side = setUp();
  const states: string[] = [];
  side.watches.onLiveChange((state) => states.push(state));
  if (userIds.length > 0) side.watches.watch(userIds, () => {});
  if (services.length > 0) side.pageRequest({ type: "BUS.INIT", payload: { services } });
  if (listed.length > 0) side.pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: watching(...listed) });
  await tick();
  for (const { fulfil } of side.asked) fulfil({});
  expect([side.watches.isActive(), side.watches.liveState(), states]).toEqual([true, "live", ["live"]]);
});

test("a listener of the whole is not notified while the state stays `idle`", async () => {
  const side = setUp();
  const states: string[] = [];
  side.watches.onLiveChange((state) => states.push(state));
  side.watches.watch(1, () => {});
  await tick();
  expect(states).toEqual([]);
  side.asked[0]?.fulfil({});
  expect(states).toEqual(["live"]);
});

test("statuses ignore the rejection of a request that was replaced, because no widget has rejected the user", async () => {
  const side = setUp();
  side.become("connecting");
  const { words } = watchStatuses(side, 1);
  await tick();
  side.watches.watch(2, () => {});
  await tick();
  expect(side.asked[0]?.signal.aborted).toBe(true);
  side.asked[0]?.reject({ code: "ABORTED", message: "", retryable: false });
  expect(words()).toEqual([]);
  side.asked[1]?.fulfil({ 1: availability(1, 3) });
  expect(words()).toEqual(["1 live"]);
});

test("statuses of a single user that the backend cannot read name the connector's request", async () => {
  const side = setUp();
  const { statuses } = watchStatuses(side, 1, 2);
  await tick();
  side.asked[0]?.fulfil({ 1: availability(1, 3), 2: { error: {}, status: 503 } });
  expect(statuses[1]?.error).toMatchObject({
    event: { type: CHANGE, payload: change([1, 2]) },
    message: `${CHANGE} was rejected by the backend with status 503`,
  });
});

test("the whole is `idle` after a first request that the widget rejects", async () => {
  const side = setUp();
  watchStatuses(side, 1);
  await tick();
  side.asked[0]?.reject(unavailable);
  expect(side.watches.liveState()).toBe("idle");
});

test("the whole stays `stale` after the connection was lost while the next widget rejects the watch", async () => {
  const side = await setUpLive();
  side.become("reconnecting");
  side.become("ready");
  await tick();
  side.asked.at(-1)?.reject(unavailable);
  expect(side.watches.liveState()).toBe("stale");
});

test("statuses stay `live` for a user whom the widget follows when another user's request is rejected for good", async () => {
  const side = await setUpLive();
  const second = watchStatuses(side, 2);
  await tick();
  side.asked.at(-1)?.reject({}, { source: "backend", status: 403 });
  expect([side.words(), second.words()]).toEqual([["1 live"], ["2 not-allowed"]]);
});

test("statuses of the next session are `stale` if its widget has announced so", async () => {
  const side = await setUpLive();
  side.watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 0 } }, false);
  await tick();
  expect(side.asked).toHaveLength(1);
  side.announce(availability(1, 3));
  await tick();
  side.asked.at(-1)?.fulfil({ 1: availability(1, 3) });
  expect(side.words().at(-1)).toBe("1 stale");
  expect(side.watches.liveState()).toBe("stale");
});

test("the whole is `live` for the page as soon as a service has started", () => {
  const side = setUp();
  const states: string[] = [];
  side.watches.onLiveChange((state) => states.push(state));
  side.pageRequest({ type: "BUS.INIT", payload: { services: ["USER"] } });
  expect(states).toEqual(["live"]);
});

test("statuses stay `removed` for a removed user whom the next widget lacks as well", async () => {
  const side = await setUpLive();
  side.watches.handleEvent({ type: "USER.AVAILABILITY_REMOVED", payload: { userId: 1, version: 5 } }, false);
  side.become("ready");
  await tick();
  side.asked.at(-1)?.fulfil({});
  expect(side.words()).toEqual(["1 live", "1 removed"]);
});

test("statuses stay `error` while changes may be missing as well", async () => {
  const side = setUp();
  const { words } = watchStatuses(side, 1);
  await tick();
  side.asked[0]?.reject({}, { source: "backend", status: 500 });
  side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 0 } }, false);
  expect(words()).toEqual(["1 error"]);
});

test("statuses repeat `error` for another error", async () => {
  const side = setUp();
  const { statuses } = watchStatuses(side, 1);
  await tick();
  side.asked[0]?.reject({}, { source: "backend", status: 500 });
  await vi.advanceTimersByTimeAsync(8_000);
  side.asked[1]?.reject({}, { source: "backend", status: 503 });
  expect(statuses.map(({ error }) => error?.status)).toEqual([500, 503]);
});

test("a watch that has ended leaves no listener on the page's signal", () => {
  const side = setUp();
  const { signal } = new AbortController();
  const off = side.watches.watch(1, () => {}, { signal });
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  off();
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

const expire = ({ watches }: OtherSide): void => watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);

const announceLive = ({ watches }: OtherSide): void =>
  watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "live", ageMs: 0 } }, false);

test("the whole stays `stale` in an ended session when a request without users is fulfilled, as after a change of tabs", async () => {
  const side = await setUpLive();
  expire(side);
  side.watches.checkWidget();
  side.asked.at(-1)?.fulfil({});
  expect([side.asked.at(-1)?.payload, side.watches.liveState()]).toEqual([change([]), "stale"]);
  expect(side.words()).toEqual(["1 live", "1 session-expired"]);
});

test("the whole is `live` after an ended session as soon as the gateway has answered for users", async () => {
  const side = await setUpLive();
  expire(side);
  const second = watchStatuses(side, 2);
  await tick();
  side.asked.at(-1)?.fulfil({});
  expect([side.watches.liveState(), second.words()]).toEqual(["live", ["2 unknown-user"]]);
});

test.each([
  ["only a service", { type: "BUS.INIT", payload: { services: ["USER"] } }],
  ["only users of its own request", { type: "API.WATCH_AVAILABILITIES", payload: watching(1) }],
])("the whole is `live` in the next session of a page with %s", async (_what, event) => {
  const side = setUp();
  const states: string[] = [];
  side.watches.onLiveChange((state) => states.push(state));
  side.pageRequest(event);
  await tick();
  expire(side);
  announceLive(side);
  expect(states).toEqual(["live", "stale", "live"]);
});

test("the whole is `live` with the next widget if the session of the last one had ended", async () => {
  const side = setUp();
  side.pageRequest({ type: "BUS.INIT", payload: { services: ["USER"] } });
  expire(side);
  side.become("reconnecting");
  expect(side.watches.liveState()).toBe("stale");
  side.become("ready");
  await tick();
  for (const { fulfil } of side.asked) fulfil({});
  expect(side.watches.liveState()).toBe("live");
});

test("statuses are `live` after `removed` if the user comes back with the same version, which no listener receives twice", async () => {
  const side = await setUpLive();
  const versions: number[] = [];
  side.watches.watch(1, ({ version }) => versions.push(version));
  await tick();
  side.become("reconnecting");
  side.become("ready");
  await tick();
  side.asked.at(-1)?.fulfil({});
  side.announce(availability(1, 2));
  expect(side.words().at(-1)).toBe("1 removed");
  side.announce(availability(1, 3));
  expect([side.words().at(-1), versions]).toEqual(["1 live", [3]]);
});

const remove = ({ watches }: OtherSide, version: number): void =>
  watches.handleEvent({ type: "USER.AVAILABILITY_REMOVED", payload: { userId: 1, version } }, false);

/** The page's own read of user 1, answered by the gateway before what the widget has announced since. */
const answerOldRead = ({ watches }: OtherSide, version: number): void =>
  watches.handleEvent({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: availability(1, version) }, true, true);

test("statuses of a user who is watched, left and watched again within one slow request are those of its answer, which lacks the removed user", async () => {
  const side = setUp();
  const { off } = watchStatuses(side, 1);
  await tick();
  remove(side, 6);
  off();
  await tick();
  const { words } = watchStatuses(side, 1);
  await tick();
  answerOldRead(side, 5);
  side.asked[0]?.fulfil({});
  expect(words()).toEqual(["1 unknown-user"]);
  await tick();
  expect(side.asked).toHaveLength(1);
});

test("a user whose removal came while nobody watched is asked for again, also if an older read has the user", async () => {
  const side = await setUpLive();
  watchStatuses(side, 2);
  await tick();
  side.off();
  await tick();
  remove(side, 6);
  const { words } = watchStatuses(side, 1);
  await tick();
  answerOldRead(side, 5);
  side.asked[1]?.fulfil({ 2: availability(2, 1) });
  await tick();
  expect(side.asked[2]?.payload).toEqual(change([1]));
  side.asked[2]?.fulfil({});
  expect(words()).toEqual(["1 unknown-user"]);
});

test.each([
  ["removed", (side: OtherSide) => side.asked[1]?.fulfil({})],
  ["unknown-user", (side: OtherSide) => side.asked[1]?.fulfil({})],
])(
  "statuses stay `%s` after the answer of an older read, because the widget announces who comes back",
  async (word, answer) => {
    const side = await setUpLive();
    remove(side, 2);
    if (word === "unknown-user") {
      side.off();
      await tick();
      answer(side);
    }
    const { words } = watchStatuses(side, 1);
    await tick();
    side.asked[2]?.fulfil({});
    expect(words()).toEqual([`1 ${word}`]);
    answerOldRead(side, 3);
    expect(words()).toEqual([`1 ${word}`]);
    side.announce(availability(1, 3));
    expect(words()).toEqual([`1 ${word}`, "1 live"]);
  },
);

test("statuses are `live` at once for a user whom a listener adds while the answer that has the user is applied", async () => {
  const side = setUp();
  side.pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: watching(1) });
  const words: string[] = [];
  side.watches.watch(2, () => {
    side.watches.watch(1, () => {}, { onStatus: ({ status }) => words.push(status) });
  });
  // The page's own list and user 2 are new to the next widget.
  side.become("reconnecting");
  side.become("ready");
  await tick();
  side.asked.at(-1)?.fulfil({ 1: availability(1, 1), 2: availability(2, 1) });
  await tick();
  expect([words.at(-1), side.asked.at(-1)?.payload]).toEqual(["live", change([1, 2])]);
});
