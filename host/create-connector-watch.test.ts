/** The watch list over a connector. */
import { expect, test, vi } from "vitest";
import { BridgeRejectionError } from "../shared/protocol/rejection.ts";
import { createTestConnector, FETCH, REGISTERED, WATCH } from "./test-connector.ts";

test("sends the watch list itself: observers see the request, listeners do not", async () => {
  const { connector, user, posted } = createTestConnector();
  const [heard, observed, told] = [vi.fn(), vi.fn(), vi.fn()];
  connector.on("*", heard);
  connector.observe(observed);
  connector.watch(1, told);
  expect(connector.liveState).toBe("idle");
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.map(({ event }) => event)).toMatchObject([
    { type: WATCH, payload: { variables: { added: [1], removed: [] } } },
  ]);
  const id = posted[0]?.event.meta.id;
  const availability = { userId: 1, status: "available", version: 2 };
  posted[0]?.answer({ type: `${WATCH}_FULFILLED`, payload: { 1: availability }, meta: { id } });
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toHaveBeenCalledExactlyOnceWith(availability);
  expect(connector.liveState).toBe("live");
  expect(observed).toHaveBeenCalledWith(expect.objectContaining({ kind: "settled" }));
  expect(heard).not.toHaveBeenCalled();
});

test("notifies `watch` listeners of announcements and of fetched availabilities", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const versions: number[] = [];
  connector.watch(1, ({ version }) => versions.push(version));
  await user.receive({
    type: "USER.TEAMMATE_AVAILABILITY_CHANGED",
    payload: { userId: 1, status: "offline", version: 3, updatedAt: 1 },
  });
  void connector.dispatch(FETCH);
  const fetched = posted.at(-1);
  const id = fetched?.event.meta.id;
  const payload = { userId: 1, status: "available", version: 4 };
  fetched?.answer({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload, meta: { id } });
  await vi.advanceTimersByTimeAsync(0);
  expect(versions).toEqual([3, 4]);
});

const availability = (version: number) => ({ userId: 1, status: "available", version });

/** Connects a page that watches user 1, an unknown user of the gateway, to a widget that names further events with availabilities. */
async function watchAbsentUser(availabilities: readonly string[]) {
  const registered = { ...REGISTERED, traits: { idempotent: [], availabilities } };
  const { connector, user, posted } = createTestConnector(undefined, registered);
  const told: string[] = [];
  connector.watch(1, ({ version }) => told.push(`version ${version}`), { onStatus: ({ status }) => told.push(status) });
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const { event, answer } = posted[0] ?? {};
  answer?.({ type: `${WATCH}_FULFILLED`, payload: {}, meta: { id: event?.meta.id } });
  await vi.advanceTimersByTimeAsync(0);
  return { connector, user, posted, told };
}

test.each(["API.FETCH_USER_AVAILABILITY", "API.UPDATE_AVAILABILITY", "API.READ_TEAM"])(
  "the answer to the page's own %s brings no absent user, because it may be older than the absence",
  async (type) => {
    const { connector, posted, told } = await watchAbsentUser([`${type}_FULFILLED`]);
    const settled = connector.dispatch({ type });
    const { event, answer } = posted[1] ?? {};
    answer?.({ type: `${type}_FULFILLED`, payload: availability(5), meta: { id: event?.meta.id } });
    expect(await settled).toMatchObject({ payload: availability(5) });
    expect(told).toEqual(["unknown-user"]);
  },
);

test.each(["USER.TEAMMATE_AVAILABILITY_CHANGED", "USER.AVAILABILITY_FETCHED"])(
  "the announcement %s brings an absent user, whatever its name",
  async (type) => {
    const { user, told } = await watchAbsentUser([type]);
    await user.receive({ type, payload: availability(5) });
    expect(told).toEqual(["unknown-user", "version 5", "live"]);
  },
);

test("sends services and the watch list once to the widget after a reconnect", async () => {
  const { connector, user, posted, connect } = createTestConnector();
  user.onConnected();
  connector.watch(1, () => {});
  void connector.dispatch({ type: "BUS.INIT", payload: { services: ["USER"] } });
  await vi.advanceTimersByTimeAsync(0);
  for (const { event, answer } of posted.splice(0)) {
    answer({ type: `${event.type}_FULFILLED`, payload: {}, meta: { id: event.meta.id } });
  }
  await vi.advanceTimersByTimeAsync(0);
  user.onLost();
  await vi.advanceTimersByTimeAsync(0);
  expect(connect).toHaveBeenCalled();
  expect(user.getNeed(true)).toBe("request");
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.map(({ event }) => event.type)).toEqual(["BUS.INIT", WATCH]);
});

test("tries to connect once for the watch list if no iframe can be mounted, and sets no timer", async () => {
  const { connector, user, connect } = createTestConnector();
  const gone = new BridgeRejectionError("CONNECTION_CLOSED", "gone", undefined, false);
  connect.mockImplementation(() => user.onLost(gone));
  user.onConnected();
  connector.watch(1, () => {});
  await vi.advanceTimersByTimeAsync(0);
  user.onLost(gone);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(connect).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test("retries with pauses while users are watched and no widget connects, and sends the list to the first widget", async () => {
  const { connector, user, posted, connect } = createTestConnector();
  connector.watch(1, () => {});
  await vi.advanceTimersByTimeAsync(120_000);
  expect(connect.mock.calls.length).toBeGreaterThan(3);
  expect(posted).toEqual([]);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.map(({ event }) => event.type)).toEqual([WATCH]);
});

test("has no timer on an idle page that watches a thousand users", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  for (let userId = 1; userId <= 1_000; userId += 1) connector.watch(userId, () => {});
  await vi.advanceTimersByTimeAsync(0);
  const { event, answer } = posted.at(-1) ?? {};
  answer?.({ type: `${WATCH}_FULFILLED`, payload: {}, meta: { id: event?.meta.id } });
  // Lets the timers of the first requests fire.
  await vi.advanceTimersByTimeAsync(10_250);
  expect(vi.getTimerCount()).toBe(0);
  expect(posted).toHaveLength(1);
});

test("sends the watched users again after a list of the page's own, which replaces the widget's list", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  connector.watch(1, () => {});
  await vi.advanceTimersByTimeAsync(0);
  posted[0]?.answer({ type: `${WATCH}_FULFILLED`, payload: {}, meta: { id: posted[0].event.meta.id } });
  await vi.advanceTimersByTimeAsync(0);
  void connector.dispatch({ type: "API.WATCH_AVAILABILITIES", payload: { variables: { userIds: [2] } } });
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.slice(1).map(({ event }) => event)).toMatchObject([
    { type: "API.WATCH_AVAILABILITIES" },
    { type: WATCH, payload: { variables: { added: [1], removed: [] } } },
  ]);
});

test("never rejects `dispatch`, also for an event with a throwing getter while the page watches a user", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  connector.watch(1, () => {});
  const event = {
    get type(): string {
      throw new Error("no type");
    },
  };
  const settled = connector.dispatch(event);
  await vi.advanceTimersByTimeAsync(0);
  expect(await settled).toMatchObject({ type: "BUS.INVALID_EVENT_REJECTED" });
});

test("sends the watched users after a list of the page that the next widget's registration has let through", async () => {
  const { connector, user, posted, registrations } = createTestConnector(undefined, null);
  user.onConnected();
  const type = "API.WATCH_AVAILABILITIES";
  void connector.dispatch({ type, payload: { variables: { userIds: [7] } } });
  user.onLost();
  connector.watch(5, () => {});
  await vi.advanceTimersByTimeAsync(0);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  registrations.at(-1)?.(REGISTERED);
  await vi.advanceTimersByTimeAsync(0);
  const payloads = posted.filter(({ event }) => event.type === WATCH || event.type === type);
  expect(payloads.slice(1).map(({ event }) => event)).toMatchObject([
    { type: WATCH, payload: { variables: { added: [5] } } },
    { type },
    { type: WATCH, payload: { variables: { added: [5] } } },
  ]);
});
