/** Requests of a connector across the loss and the return of a widget, and the connector's need of a widget. */
import { expect, test, vi } from "vitest";
import { ConnectionError } from "../shared/protocol/errors.ts";
import { BridgeRejectionError } from "../shared/protocol/rejection.ts";
import { bridgeError, createTestConnector, FETCH, QUESTION, rejectedWith } from "./test-connector.ts";

test("connects after `ready` has rejected", async () => {
  const { connector, user, posted } = createTestConnector();
  const ready = expect(connector.ready).rejects.toBeInstanceOf(ConnectionError);
  await vi.advanceTimersByTimeAsync(5_000);
  await ready;
  void connector.dispatch(QUESTION);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(connector.state).toBe("ready");
  expect(posted).toHaveLength(1);
});

test("sends an idempotent request again after a reconnect, with the remaining timeout", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  const settled = connector.dispatch(FETCH);
  await vi.advanceTimersByTimeAsync(1_000);
  user.onLost();
  expect(connector.state).toBe("reconnecting");
  await vi.advanceTimersByTimeAsync(1_000);
  user.onConnected();
  expect(posted.map(({ event }) => event.meta.timeoutMs)).toEqual([10_000, 8_000]);
  const [lost, current] = posted;
  const fulfilled = (value: number) => ({
    type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
    payload: value,
    meta: { id: lost?.event.meta.id },
  });
  lost?.answer(fulfilled(1));
  current?.answer(fulfilled(2));
  expect(await settled).toMatchObject({ payload: 2 });
});

test("rejects a request that is not idempotent at once after a disconnect", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const settled = connector.dispatch(QUESTION);
  user.onLost();
  expect(await settled).toEqual(rejectedWith("CONNECTION_CLOSED"));
});

test("rejects an idempotent request after the handshake timeout, counted from the disconnect", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  const settled = vi.fn();
  void connector.dispatch(FETCH).then(settled);
  await vi.advanceTimersByTimeAsync(2_000);
  user.onLost();
  await vi.advanceTimersByTimeAsync(4_999);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toHaveBeenCalledWith(expect.objectContaining({ payload: { error: expect.anything() } }));
});

test("rejects requests with the reason of a final disconnect", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  const settled = connector.dispatch(FETCH);
  user.onLost(new BridgeRejectionError("CONNECTION_CLOSED", "gone"));
  expect(await settled).toMatchObject({ payload: { error: { code: "CONNECTION_CLOSED", message: "gone" } } });
});

test("keeps queued requests when an iframe is lost before the first handshake", async () => {
  const { connector, user, posted } = createTestConnector();
  const settled = vi.fn();
  void connector.dispatch(QUESTION).then(settled);
  await vi.advanceTimersByTimeAsync(4_000);
  user.onLost();
  expect(connector.state).toBe("connecting");
  await vi.advanceTimersByTimeAsync(999);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toHaveBeenCalledExactlyOnceWith(rejectedWith("WIDGET_UNAVAILABLE"));
  expect(posted).toEqual([]);
});

test("does not reject a request that a listener sends during a final disconnect", async () => {
  const { connector, user, posted, connect } = createTestConnector();
  user.onConnected();
  void connector.dispatch(FETCH);
  let again: Promise<unknown> | undefined;
  connector.on("*", () => {
    again ??= connector.dispatch(FETCH);
  });
  user.onLost(new BridgeRejectionError("CONNECTION_CLOSED", "gone"));
  expect(connect).toHaveBeenCalledOnce();
  user.onConnected();
  const id = posted[1]?.event.meta.id;
  posted[1]?.answer({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: 2, meta: { id } });
  expect(await again).toMatchObject({ payload: 2 });
});

test("stops posting queued requests on a disconnect, and posts them to the next widget", () => {
  const { connector, user, posted } = createTestConnector();
  void connector.dispatch(FETCH);
  void connector.dispatch(FETCH);
  let hasGone = false;
  connector.observe((record) => {
    if (record.kind !== "sent" || record.event.type !== FETCH.type || hasGone) return;
    hasGone = true;
    user.onLost();
    void connector.dispatch(FETCH);
  });
  user.onConnected();
  expect(posted).toHaveLength(1);
  user.onConnected();
  expect(new Set(posted.map(({ event }) => event.meta.id)).size).toBe(3);
});

test("needs a widget for a request, also on a hidden page, while `ready` or a request is pending", async () => {
  const { connector, user } = createTestConnector();
  expect(user.getNeed(false)).toBe("request");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(user.getNeed(false)).toBeUndefined();
  void connector.dispatch(FETCH);
  expect(user.getNeed(true)).toBe("request");
});

test("needs a widget while `ready` is pending, and on a visible page while a user is watched or the state is observed", async () => {
  const { connector, user, connect } = createTestConnector();
  expect(user.getNeed(false)).toBe("request");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(user.getNeed(false)).toBeUndefined();
  const unwatch = connector.watch(1, () => {});
  expect([user.getNeed(true), user.getNeed(false)]).toEqual([undefined, "watch"]);
  unwatch();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(user.getNeed(false)).toBeUndefined();
  connect.mockClear();
  const unsubscribe = connector.onStateChange(() => {});
  expect(connect).toHaveBeenCalledOnce();
  expect([user.getNeed(true), user.getNeed(false)]).toEqual([undefined, "state"]);
  unsubscribe();
  expect(user.getNeed(false)).toBeUndefined();
});

test("does not repeat to the next widget what the page requested in vain", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  void connector.dispatch({ type: "BUS.INIT", payload: { services: ["USER"] } });
  const meta = { id: posted[0]?.event.meta.id, source: "bridge" };
  posted[0]?.answer({ type: "BUS.INIT_REJECTED", payload: bridgeError("INVALID_REQUEST"), meta });
  await vi.advanceTimersByTimeAsync(0);
  user.onLost();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted).toHaveLength(1);
});
