/** Requests of a connector, from the call to the settlement. */
import { expect, onTestFinished, test, vi } from "vitest";
import { ConnectionError } from "../shared/protocol/errors.ts";
import { BridgeRejectionError } from "../shared/protocol/rejection.ts";
import { createTestConnector, FETCH, inNextTask, payload, QUESTION, rejectedWith } from "./test-connector.ts";

test("posts a request after the handshake with the remaining timeout", async () => {
  const { connector, user, posted } = createTestConnector();
  const settled = connector.dispatch(QUESTION);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(posted).toEqual([]);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted[0]?.event.meta.timeoutMs).toBe(6_000);
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0].event.meta.id } });
  expect(await settled).toEqual({ type: "TEST.ASK_FULFILLED", payload: 2 });
  connector.destroy();
  expect(vi.getTimerCount()).toBe(0);
});

test("rejects requests and `ready` as unavailable if no widget connects", async () => {
  const { connector } = createTestConnector();
  const ready = expect(connector.ready).rejects.toBeInstanceOf(ConnectionError);
  const settled = connector.dispatch(QUESTION);
  await vi.advanceTimersByTimeAsync(10_000);
  await ready;
  expect(await settled).toEqual(rejectedWith("WIDGET_UNAVAILABLE"));
});

test("rejects a request without a response 250 ms after its timeout", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  await connector.ready;
  const heard = vi.fn();
  connector.on("*", heard);
  const settled = connector.dispatch(QUESTION);
  await vi.advanceTimersByTimeAsync(10_249);
  expect(heard).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(await settled).toEqual(rejectedWith("TIMEOUT"));
  expect(heard).toHaveBeenCalledExactlyOnceWith(rejectedWith("TIMEOUT"), QUESTION);
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["another request's settlement", { type: "TEST.ASK_FULFILLED", payload: 1, meta: { id: "other" } }],
])("rejects %s as a response", async (_name, answer) => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await connector.ready;
  const settled = connector.dispatch(QUESTION);
  posted[0]?.answer(answer);
  expect(await settled).toEqual(rejectedWith("INVALID_RESPONSE"));
});

test("rejects payloads that cannot be sent and posts no request", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await connector.ready;
  const payloads = [() => {}, "x".repeat(65 * 1024), Number.NaN];
  const settled = payloads.map((payload) => connector.dispatch({ type: "TEST.ASK", payload }));
  const settlements = await inNextTask(Promise.all(settled));
  expect(settlements).toEqual(payloads.map(() => rejectedWith("INVALID_REQUEST")));
  expect(posted).toEqual([]);
});

test("sends the caller's id and rejects a second request with an id in flight", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const named = { ...QUESTION, meta: { id: "mine" } };
  const first = connector.dispatch(named);
  expect(await inNextTask(connector.dispatch(named))).toMatchObject({
    payload: { error: { code: "INVALID_REQUEST", issues: [{ path: "meta.id" }] } },
    meta: { id: "mine", source: "bridge" },
  });
  const settlement = { type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: "mine" } };
  posted[0]?.answer(settlement);
  expect(await first).toEqual(settlement);
});

test("rejects a request beyond 1,024 in flight and settles the others", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const first = connector.dispatch(QUESTION);
  for (let count = 1; count < 1_024; count += 1) void connector.dispatch(QUESTION);
  expect(await inNextTask(connector.dispatch(QUESTION))).toEqual(rejectedWith("OVERLOADED"));
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0].event.meta.id } });
  expect(await first).toEqual({ type: "TEST.ASK_FULFILLED", payload: 2 });
});

test("posts a request once if a state listener sends the request on `ready`", async () => {
  const { connector, user, posted } = createTestConnector();
  connector.onStateChange((state) => void (state === "ready" && connector.dispatch(QUESTION)));
  user.onConnected();
  expect(posted).toHaveLength(1);
});

test("posts no queued request that is aborted while an earlier request is posted", async () => {
  const { connector, user, posted } = createTestConnector();
  const controller = new AbortController();
  void connector.dispatch(QUESTION);
  const aborted = connector.dispatch(QUESTION, { signal: controller.signal });
  connector.observe(({ kind }) => void (kind === "sent" && controller.abort()));
  user.onConnected();
  expect(await aborted).toEqual(rejectedWith("ABORTED"));
  expect(posted).toHaveLength(1);
});

test("rejects a settlement of the bridge without an error as invalid", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  const settled = connector.dispatch(QUESTION);
  const meta = { id: posted[0]?.event.meta.id, source: "bridge" };
  posted[0]?.answer({ type: "TEST.ASK_REJECTED", payload: { error: null }, meta });
  expect(await settled).toEqual(rejectedWith("INVALID_RESPONSE"));
});

test("settles a request once if no iframe can be mounted because of an error", async () => {
  const { connector, connect } = createTestConnector();
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  onTestFinished(() => void vi.unstubAllGlobals());
  const heard = vi.fn();
  connector.on("*", heard);
  const mistake = new TypeError("The page has replaced `append`");
  connect.mockImplementation(() => {
    throw mistake;
  });
  expect(await inNextTask(connector.dispatch(QUESTION))).toEqual(rejectedWith("INTERNAL"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(heard).toHaveBeenCalledExactlyOnceWith(rejectedWith("INTERNAL"), QUESTION);
  expect(report).toHaveBeenCalledExactlyOnceWith(mistake);
});

test("starts to connect when a request is sent without a widget", () => {
  const { connector, user, connect } = createTestConnector();
  user.onConnected();
  user.onLost(new BridgeRejectionError("CONNECTION_CLOSED", "gone"));
  expect(connect).not.toHaveBeenCalled();
  void connector.dispatch(FETCH);
  expect(connect).toHaveBeenCalledOnce();
});

test("hands out no id that the page has not given, and the rest of the meta", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const [fulfilled, refused] = [connector.dispatch(QUESTION), connector.dispatch(QUESTION)];
  const [first, second] = posted.map(({ event }) => event.meta.id);
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: first } });
  const meta = { source: "backend", status: 404 };
  posted[1]?.answer({ type: "TEST.ASK_REJECTED", payload: { error: "none" }, meta: { ...meta, id: second } });
  expect(await fulfilled).toStrictEqual({ type: "TEST.ASK_FULFILLED", payload: 2 });
  expect(await refused).toStrictEqual({ type: "TEST.ASK_REJECTED", payload: { error: "none" }, meta });
});

test("says in each rejection which request failed and why", async () => {
  const { connector, user } = createTestConnector();
  const messageOf = async (settlement: unknown): Promise<unknown> =>
    Object(Object(Object(await settlement).payload).error).message;
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const aborted = connector.dispatch(QUESTION, { signal: AbortSignal.abort() });
  expect(await messageOf(inNextTask(aborted))).toBe("TEST.ASK was aborted");
  const controller = new AbortController();
  const abortedLater = connector.dispatch(QUESTION, { signal: controller.signal });
  controller.abort();
  expect(await messageOf(abortedLater)).toBe("TEST.ASK was aborted");
  const first = connector.dispatch({ ...QUESTION, meta: { id: "a" } });
  const second = connector.dispatch({ ...QUESTION, meta: { id: "a" } });
  expect(await messageOf(inNextTask(second))).toBe("meta.id: expected an id not in flight");
  const invalid = connector.dispatch(QUESTION, { timeoutMs: 0 });
  expect(await messageOf(inNextTask(invalid))).toBe("timeoutMs: expected whole milliseconds from 1 to 120000");
  expect(await messageOf(user.receive({ type: "TEST.WHO", meta: { id: "w" } }))).toBe(
    "TEST.WHO is unknown to this page",
  );
  user.onLost();
  expect(await messageOf(first)).toBe("TEST.ASK was lost with its widget");
  const waiting = Array.from({ length: 1_024 }, () => connector.dispatch(QUESTION));
  expect(await messageOf(inNextTask(connector.dispatch(QUESTION)))).toBe("1024 requests are in flight");
  connector.destroy();
  expect(await messageOf(Promise.race(waiting))).toBe("The connector was destroyed");
  expect(await messageOf(user.receive({ type: "TEST.NEWS" }))).toBe("The connector was destroyed");
});

test("resolves a request with the fulfilled payload", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const { type } = FETCH;
  const availability = { userId: 1, status: "available", version: 1 };
  const given = connector.request(type, payload);
  posted[0]?.answer({ type: `${type}_FULFILLED`, payload: availability, meta: { id: posted[0].event.meta.id } });
  expect(await given).toEqual(availability);
});

test("checks the iframe for each request while a widget is connected, and not before", async () => {
  const { connector, user, checkFrame } = createTestConnector();
  void connector.dispatch(QUESTION);
  expect(checkFrame).not.toHaveBeenCalled();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  checkFrame.mockClear();
  void connector.dispatch(QUESTION);
  expect(checkFrame).toHaveBeenCalledOnce();
});

test("accepts the id of a request again after its settlement, and needs no widget for it any more", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  for (const round of [1, 2]) {
    const settled = connector.dispatch({ ...QUESTION, meta: { id: "a" } });
    expect(user.getNeed(false)).toBe("request");
    const answer = { type: `${QUESTION.type}_FULFILLED`, payload: round, meta: { id: "a" } };
    posted.at(-1)?.answer(answer);
    expect(await settled).toEqual(answer);
    expect(user.getNeed(false)).toBeUndefined();
  }
});
