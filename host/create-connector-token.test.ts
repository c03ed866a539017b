/** Requests of the widget for the page's token. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { Connector } from "./connector.ts";
import { bridgeError, createTestConnector, FETCH } from "./test-connector.ts";
import type { FetchToken } from "./token/token-provider.ts";

test("sends the page's token to the widget, hidden from listeners and observers", async () => {
  const { connector, user } = createTestConnector(() => "t1");
  user.onConnected();
  // The registration has settled.
  await vi.advanceTimersByTimeAsync(0);
  const heard = vi.fn();
  connector.on("*", heard);
  connector.observe(heard);
  const asked = { type: "HOST.FETCH_TOKEN", payload: {}, meta: { id: "h1", timeoutMs: 5_000 } };
  const fulfilled = { type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: "t1" }, meta: { id: "h1" } };
  expect(await user.receive(asked)).toEqual(fulfilled);
  expect(heard).not.toHaveBeenCalled();
});

test("rejects the token request without the error's text if `fetchToken` fails", async () => {
  const { user } = createTestConnector(() => Promise.reject(new Error("s3cret")));
  vi.stubGlobal("reportError", () => {});
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(await user.receive({ type: "HOST.FETCH_TOKEN" })).toEqual({
    type: "HOST.FETCH_TOKEN_REJECTED",
    payload: { error: { code: "INTERNAL", message: expect.not.stringContaining("s3cret"), retryable: false } },
    meta: { source: "bridge" },
  });
});

test("aborts `fetchToken` when destroyed, and leaves no timer", async () => {
  const fetchToken = vi.fn<FetchToken>(() => new Promise(() => {}));
  const { connector, user } = createTestConnector(fetchToken);
  const answer = user.receive({ type: "HOST.FETCH_TOKEN" });
  connector.destroy();
  expect(fetchToken.mock.calls[0]?.[0].signal.aborted).toBe(true);
  expect(await answer).toMatchObject({ type: "HOST.FETCH_TOKEN_REJECTED" });
  expect(vi.getTimerCount()).toBe(0);
});

test("neither asks for a token nor gives one after `destroy`", async () => {
  let resolveToken = (_token: string): void => {};
  const fetchToken = vi.fn<FetchToken>(
    () =>
      new Promise((resolve) => {
        resolveToken = resolve;
      }),
  );
  const { connector, user } = createTestConnector(fetchToken);
  const pending = user.receive({ type: "HOST.FETCH_TOKEN" });
  resolveToken("t1");
  connector.destroy();
  expect(await pending).toMatchObject({ type: "HOST.FETCH_TOKEN_REJECTED" });
  expect(await user.receive({ type: "HOST.FETCH_TOKEN" })).toMatchObject({ type: "HOST.FETCH_TOKEN_REJECTED" });
  expect(fetchToken).toHaveBeenCalledOnce();
});

test("asks the widget to fetch the page's token again, and throws its rejection", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const type = "AUTH.REFRESH_TOKEN";
  const refreshed = connector.refreshToken();
  expect(posted.at(-1)?.event.type).toBe(type);
  posted.at(-1)?.answer({ type: `${type}_FULFILLED`, meta: { id: posted.at(-1)?.event.meta.id } });
  expect(await refreshed).toBeUndefined();
  const refused = expect(connector.refreshToken()).rejects.toMatchObject({ code: "UNKNOWN_EVENT" });
  const meta = { id: posted.at(-1)?.event.meta.id, source: "bridge" };
  posted.at(-1)?.answer({ type: `${type}_REJECTED`, payload: bridgeError("UNKNOWN_EVENT"), meta });
  await refused;
});

test("gives the page's token for the token request alone", async () => {
  const fetchToken = vi.fn(() => "t1");
  const { user } = createTestConnector(fetchToken);
  user.onConnected();
  const settlement = await user.receive({ type: "TEST.WHO", meta: { id: "w" } });
  expect(settlement).toMatchObject({ payload: { error: { code: "UNKNOWN_EVENT" } } });
  expect(fetchToken).not.toHaveBeenCalled();
});

test.each([
  [{ id: "t", timeoutMs: 1_000 }, 1_000],
  [{ id: "t" }, 10_000],
])("waits for the page's token as long as the widget does: %j for %d ms", async (meta, timeoutMs) => {
  vi.stubGlobal("reportError", () => {});
  onTestFinished(() => void vi.unstubAllGlobals());
  const { user } = createTestConnector(() => new Promise(() => {}));
  user.onConnected();
  const settled = vi.fn();
  void Promise.resolve(user.receive({ type: "HOST.FETCH_TOKEN", meta })).then(settled);
  await vi.advanceTimersByTimeAsync(timeoutMs - 1);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toHaveBeenCalledOnce();
});

const TOKEN_REQUEST = { type: "HOST.FETCH_TOKEN", meta: { timeoutMs: 5_000 } };

test.each<[string, (connector: Connector) => unknown]>([
  ["request", (connector) => connector.dispatch(FETCH)],
  ["watch", (connector) => connector.watch(123, () => {})],
])("calls `fetchToken` at the page's first %s, before the widget asks, and once for both", async (_first, start) => {
  const fetchToken = vi.fn<FetchToken>(() => "t1");
  const { connector, user, connect } = createTestConnector(fetchToken);
  expect(fetchToken).not.toHaveBeenCalled();
  void start(connector);
  void start(connector);
  await vi.advanceTimersByTimeAsync(0);
  expect(fetchToken).toHaveBeenCalledOnce();
  // The iframe loads while the page's own backend makes the token.
  expect(fetchToken.mock.invocationCallOrder[0]).toBeGreaterThan(Number(connect.mock.invocationCallOrder[0]));
  user.onConnected();
  expect(await user.receive(TOKEN_REQUEST)).toMatchObject({ payload: { token: "t1" } });
  expect(fetchToken).toHaveBeenCalledOnce();
});

test("does not call `fetchToken` before the widget asks, if the page requests nothing", async () => {
  const fetchToken = vi.fn<FetchToken>(() => "t1");
  const { connector, user } = createTestConnector(fetchToken);
  connector.onStateChange(() => {});
  await vi.advanceTimersByTimeAsync(60_000);
  user.onConnected();
  void connector.dispatch(FETCH);
  await vi.advanceTimersByTimeAsync(0);
  expect(fetchToken).not.toHaveBeenCalled();
});

test("does not call `fetchToken` early once the widget has asked", async () => {
  const fetchToken = vi.fn<FetchToken>(() => "t1");
  const { connector, user } = createTestConnector(fetchToken);
  user.onConnected();
  await user.receive(TOKEN_REQUEST);
  user.onLost();
  void connector.dispatch(FETCH);
  await vi.advanceTimersByTimeAsync(0);
  expect(fetchToken).toHaveBeenCalledOnce();
});

test("does not call `fetchToken` early for a request that is invalid, aborted, or made after `destroy`", async () => {
  const fetchToken = vi.fn<FetchToken>(() => "t1");
  const { connector } = createTestConnector(fetchToken);
  void connector.dispatch({ type: 1 as never });
  void connector.dispatch(FETCH, { signal: AbortSignal.abort() });
  connector.destroy();
  void connector.dispatch(FETCH);
  await vi.advanceTimersByTimeAsync(0);
  expect(fetchToken).not.toHaveBeenCalled();
});

test.each(["before", "after"])("asks `fetchToken` anew for a `refreshToken` %s the handshake", async (order) => {
  const tokens = ["last-agent", "t2"];
  const fetchToken = vi.fn<FetchToken>(() => tokens.shift() ?? "");
  const { connector, user } = createTestConnector(fetchToken);
  void connector.dispatch(FETCH);
  if (order === "after") user.onConnected();
  void connector.refreshToken();
  if (order === "before") user.onConnected();
  // The widget's question comes in a task of its own.
  await vi.advanceTimersByTimeAsync(0);
  expect(await user.receive(TOKEN_REQUEST)).toMatchObject({ payload: { token: "t2" } });
});

test("aborts an early `fetchToken` when destroyed, reports nothing, and leaves no timer", async () => {
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  onTestFinished(() => void vi.unstubAllGlobals());
  const fetchToken = vi.fn<FetchToken>(() => new Promise(() => {}));
  const { connector } = createTestConnector(fetchToken);
  void connector.dispatch(FETCH);
  connector.destroy();
  expect(fetchToken.mock.calls[0]?.[0].signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
  expect(report).not.toHaveBeenCalled();
});

test("settles a request also if `fetchToken` sends another one, or destroys the connector, in the early call", async () => {
  const settled = vi.fn();
  const fetchToken = vi.fn<FetchToken>(() => {
    void connector.dispatch(FETCH).then(settled);
    connector.destroy();
    return "t1";
  });
  const { connector } = createTestConnector(fetchToken);
  void connector.dispatch(FETCH).then(settled);
  await vi.advanceTimersByTimeAsync(0);
  expect(settled).toHaveBeenCalledTimes(2);
  expect(fetchToken).toHaveBeenCalledOnce();
});
