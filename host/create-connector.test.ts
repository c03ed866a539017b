import { expect, type Mock, onTestFinished, test, vi } from "vitest";
import { eventTraits } from "../shared/contracts/contract.ts";
import { announcements, contract } from "../shared/contracts/index.ts";
import { ConnectionError, ContractError, RejectedError, TimeoutError } from "../shared/protocol/errors.ts";
import { BridgeRejectionError } from "../shared/protocol/rejection.ts";
import type { ConnectionEvents } from "./connection/frame-connection.ts";
import type { Connector } from "./connector.ts";
import { createConnector } from "./create-connector.ts";
import type { FetchToken } from "./token/token-provider.ts";

interface Posted {
  readonly event: { readonly type: string; readonly meta: { readonly id: string; readonly timeoutMs: number } };
  readonly answer: (settlement: unknown) => void;
}

interface OtherSide {
  readonly detectFrameMove: Mock;
  readonly connector: Connector;
  /** The connector's callbacks. Calling a callback simulates an event of the iframe. */
  readonly user: ConnectionEvents;
  /** Posted requests, except `BUS.REGISTER`. */
  readonly posted: Posted[];
  readonly ensureConnecting: Mock;
  /** Answers to `BUS.REGISTER` that are still due, each called with the payload. */
  readonly registrations: ((payload: object) => void)[];
}

const REGISTERED = {
  protocol: 1,
  sessionId: "s",
  events: Object.keys(contract),
  traits: eventTraits(contract, announcements),
};

/** Creates a connector with a scripted connection and a fake clock. */
function setUp(fetchToken?: FetchToken, registered: object | null = REGISTERED): OtherSide {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const posted: Posted[] = [];
  const ensureConnecting = vi.fn();
  const detectFrameMove = vi.fn();
  const registrations: OtherSide["registrations"] = [];
  let user: ConnectionEvents | undefined;
  const connector = createConnector({
    open(events) {
      user = events;
      const post = (event: unknown) =>
        new Promise((resolve) => {
          const { type, meta } = event as Posted["event"];
          const register = (payload: object): void =>
            resolve({ type: `${type}_FULFILLED`, payload, meta: { id: meta.id } });
          if (type !== "BUS.REGISTER") posted.push({ event: event as Posted["event"], answer: resolve });
          else if (registered) register(registered);
          else registrations.push(register);
        });
      return { post, detectFrameMove, ensureConnecting, close: () => {} };
    },
    registration: { origin: "https://crm.example.com", appName: "crm.example.com", release: "unknown" },
    unavailable: "nobody there",
    timeouts: { timeoutMs: 10_000, handshakeTimeoutMs: 5_000 },
    fetchToken,
    onDestroy: () => {},
  });
  if (!user) throw new Error("The connector opened no link");
  return { connector, user, posted, ensureConnecting, detectFrameMove, registrations };
}

/** Waits for the task in which a request that could not be sent is rejected. */
async function inNextTask<Result>(settled: Promise<Result>): Promise<Result> {
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

const fetching = { type: "TEST.ASK", payload: 1 };
const rejected = (code: string) => ({
  type: "TEST.ASK_REJECTED",
  payload: { error: expect.objectContaining({ code }) },
  meta: { source: "bridge" },
});

test("posts a request after the handshake with the remaining timeout", async () => {
  const { connector, user, posted } = setUp();
  const settled = connector.dispatch(fetching);
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
  const { connector } = setUp();
  const ready = expect(connector.ready).rejects.toBeInstanceOf(ConnectionError);
  const settled = connector.dispatch(fetching);
  await vi.advanceTimersByTimeAsync(10_000);
  await ready;
  expect(await settled).toEqual(rejected("WIDGET_UNAVAILABLE"));
});

test("rejects a request without a response 250 ms after its timeout", async () => {
  const { connector, user } = setUp();
  user.onConnected();
  await connector.ready;
  const heard = vi.fn();
  connector.on("*", heard);
  const settled = connector.dispatch(fetching);
  await vi.advanceTimersByTimeAsync(10_249);
  expect(heard).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(await settled).toEqual(rejected("TIMEOUT"));
  expect(heard).toHaveBeenCalledExactlyOnceWith(rejected("TIMEOUT"), fetching);
});

test("cancels an aborted request in the widget and throws the signal's reason", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await connector.ready;
  const controller = new AbortController();
  const reason = new Error("no longer needed");
  const payload = { variables: { userId: 1 } };
  const thrown = expect(
    connector.request("API.FETCH_USER_AVAILABILITY", payload, { signal: controller.signal }),
  ).rejects.toBe(reason);
  controller.abort(reason);
  await thrown;
  expect(posted[1]?.event).toMatchObject({ type: "BUS.CANCEL", payload: { id: posted[0]?.event.meta.id } });
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["another request's settlement", { type: "TEST.ASK_FULFILLED", payload: 1, meta: { id: "other" } }],
])("rejects %s as a response", async (_name, answer) => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await connector.ready;
  const settled = connector.dispatch(fetching);
  posted[0]?.answer(answer);
  expect(await settled).toEqual(rejected("INVALID_RESPONSE"));
});

test("rejects payloads that cannot be sent and posts no request", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await connector.ready;
  const payloads = [() => {}, "x".repeat(65 * 1024), Number.NaN];
  const settled = payloads.map((payload) => connector.dispatch({ type: "TEST.ASK", payload }));
  const settlements = await inNextTask(Promise.all(settled));
  expect(settlements).toEqual(payloads.map(() => rejected("INVALID_REQUEST")));
  expect(posted).toEqual([]);
});

test("rejects pending and later requests after `destroy`", async () => {
  const { connector, user } = setUp();
  user.onConnected();
  await connector.ready;
  const settled = connector.dispatch(fetching);
  connector.destroy();
  connector.destroy();
  expect(await settled).toEqual(rejected("CONNECTION_CLOSED"));
  expect(await inNextTask(connector.dispatch(fetching))).toEqual(rejected("CONNECTION_CLOSED"));
  expect(vi.getTimerCount()).toBe(0);
});

test("rejects a request for good, and mounts nothing, if a listener destroys the connector when the iframe is found missing", async () => {
  const { connector, user, posted, ensureConnecting, detectFrameMove } = setUp();
  user.onConnected();
  await connector.ready;
  const states: string[] = [];
  connector.onStateChange((state) => states.push(state));
  connector.onStateChange((state) => void (state === "reconnecting" && connector.destroy()));
  ensureConnecting.mockClear();
  detectFrameMove.mockImplementation(() =>
    user.onDisconnected(new BridgeRejectionError("CONNECTION_CLOSED", "The frame is not in the document")),
  );
  expect(await inNextTask(connector.dispatch(fetching))).toMatchObject({
    payload: { error: { code: "CONNECTION_CLOSED", retryable: false } },
  });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(states).toEqual(["reconnecting", "closed"]);
  expect(ensureConnecting).not.toHaveBeenCalled();
  expect(posted).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("stays closed after `destroy`, whatever the connection reports", async () => {
  const { connector, user, posted } = setUp();
  const heard = vi.fn();
  connector.destroy();
  connector.observe(heard);
  connector.on("*", heard);
  user.onConnected();
  await user.receive({ type: "USER.CHANGED" });
  user.onDisconnected();
  user.onPageResumed();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(connector.state).toBe("closed");
  expect(posted).toEqual([]);
  expect(heard).not.toHaveBeenCalled();
});

test("settles in `destroy` a request that could not be sent, too, and nothing after it", async () => {
  const { connector } = setUp();
  const settled = vi.fn();
  connector.on("*", settled);
  void connector.dispatch({ type: "TEST.ASK", payload: Number.NaN });
  connector.destroy();
  expect(settled).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(settled).toHaveBeenCalledOnce();
});

test("rejects requests and `ready` with `retryable` false after `destroy`", async () => {
  const { connector } = setUp();
  const closed = { code: "CONNECTION_CLOSED", message: "The connector was destroyed", retryable: false };
  const settled = connector.dispatch(fetching);
  connector.destroy();
  expect(await settled).toMatchObject({ payload: { error: closed } });
  expect(await inNextTask(connector.dispatch(fetching))).toMatchObject({ payload: { error: closed } });
  await expect(connector.ready).rejects.toMatchObject(closed);
});

test.each<[string, (world: OtherSide) => object]>([
  [
    "destroyed connector",
    ({ connector }) => {
      connector.destroy();
      return fetching;
    },
  ],
  ["payload that cannot be sent", () => ({ type: "TEST.ASK", payload: Number.NaN })],
])("lets the page's timers run while a caller repeats a request at once: %s", async (_what, prepare) => {
  const world = setUp();
  vi.useRealTimers();
  const event = prepare(world) as typeof fetching;
  let hasFired = false;
  setTimeout(() => {
    hasFired = true;
  }, 5);
  let repetitions = 0;
  while (!hasFired && repetitions < 100_000) {
    await world.connector.dispatch(event);
    repetitions += 1;
  }
  expect(hasFired).toBe(true);
  world.connector.destroy();
});

test("lets the page's timers run while a listener answers each rejection with a request", async () => {
  const { connector } = setUp();
  connector.destroy();
  vi.useRealTimers();
  let repetitions = 0;
  connector.on("*", () => {
    repetitions += 1;
    if (repetitions < 1_000) void connector.dispatch(fetching);
  });
  void connector.dispatch(fetching);
  // The page's own timer is what the rejections must not starve: it fires in the midst of the repetitions.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(repetitions).toBeLessThan(1_000);
  repetitions = 1_000;
});

test("settles a request once if no iframe can be mounted because of an error", async () => {
  const { connector, ensureConnecting } = setUp();
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  onTestFinished(() => void vi.unstubAllGlobals());
  const heard = vi.fn();
  connector.on("*", heard);
  const mistake = new TypeError("The page has replaced `append`");
  ensureConnecting.mockImplementation(() => {
    throw mistake;
  });
  expect(await inNextTask(connector.dispatch(fetching))).toEqual(rejected("INTERNAL"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(heard).toHaveBeenCalledExactlyOnceWith(rejected("INTERNAL"), fetching);
  expect(report).toHaveBeenCalledExactlyOnceWith(mistake);
});

test("receives announcements, reports a listener that throws, and rejects unknown requests to the page", async () => {
  const {
    connector,
    user: { receive },
  } = setUp();
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  onTestFinished(() => void vi.unstubAllGlobals());
  const mistake = new Error("a listener's mistake");
  const heard = vi.fn();
  connector.on("*", () => {
    throw mistake;
  });
  const off = connector.on("USER.CHANGED", heard);
  const answer = receive({ type: "USER.CHANGED" });
  off();
  await receive({ type: "USER.CHANGED" });
  expect(await answer).toBeUndefined();
  expect(heard).toHaveBeenCalledExactlyOnceWith({ type: "USER.CHANGED" }, undefined);
  expect(report).toHaveBeenCalledWith(mistake);
  for (const [type, meta] of [
    ["HOST.NONE", { id: "h1" }],
    ["USER.NONE", { timeoutMs: 5_000 }],
    ["HOST.FETCH_TOKEN", {}],
  ] as const) {
    expect(await receive({ type, meta })).toEqual({
      type: `${type}_REJECTED`,
      payload: { error: { code: "UNKNOWN_EVENT", message: expect.any(String), retryable: false } },
      meta: { ...("id" in meta && meta), source: "bridge" },
    });
  }
});

test("sends the caller's id and rejects a second request with an id in flight", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const named = { ...fetching, meta: { id: "mine" } };
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
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const first = connector.dispatch(fetching);
  for (let count = 1; count < 1_024; count += 1) void connector.dispatch(fetching);
  expect(await inNextTask(connector.dispatch(fetching))).toEqual(rejected("OVERLOADED"));
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0].event.meta.id } });
  expect(await first).toEqual({ type: "TEST.ASK_FULFILLED", payload: 2 });
});

test("rejects queued requests and `ready` as closed when destroyed", async () => {
  const { connector } = setUp();
  const ready = expect(connector.ready).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  const settled = connector.dispatch(fetching);
  connector.destroy();
  expect(await settled).toEqual(rejected("CONNECTION_CLOSED"));
  await ready;
  expect(vi.getTimerCount()).toBe(0);
});

test("records each request as sent before its settlement, in order", async () => {
  const { connector, user, posted } = setUp();
  const kinds: string[] = [];
  connector.observe((record) => kinds.push("event" in record ? `${record.kind} ${record.event.type}` : record.kind));
  const settled = connector.dispatch(fetching);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0].event.meta.id } });
  await settled;
  expect(kinds).toEqual(["state", "sent BUS.REGISTER", "sent TEST.ASK", "settled BUS.REGISTER", "settled TEST.ASK"]);
});

test("connects after `ready` has rejected", async () => {
  const { connector, user, posted } = setUp();
  const ready = expect(connector.ready).rejects.toBeInstanceOf(ConnectionError);
  await vi.advanceTimersByTimeAsync(5_000);
  await ready;
  void connector.dispatch(fetching);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(connector.state).toBe("ready");
  expect(posted).toHaveLength(1);
});

const payload = { variables: { userId: 1 } };
const bridgeError = (code: string) => ({ error: { code, message: `because of ${code}`, retryable: true } });

test.each([
  ["INVALID_REQUEST", ContractError],
  ["UNKNOWN_EVENT", ContractError],
  ["INVALID_RESPONSE", ContractError],
  ["BACKEND_UNREACHABLE", RejectedError],
  ["BACKEND_TIMEOUT", RejectedError],
  ["OVERLOADED", RejectedError],
  ["INTERNAL", RejectedError],
])("throws the widget's %s as the error class for its code", async (code, kind) => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const asked = connector.request("API.FETCH_USER_AVAILABILITY", payload).catch((error: unknown) => error);
  const type = "API.FETCH_USER_AVAILABILITY_REJECTED";
  posted[0]?.answer({ type, payload: bridgeError(code), meta: { id: posted[0].event.meta.id, source: "bridge" } });
  const error = await asked;
  expect(error).toBeInstanceOf(kind);
  expect(error).toMatchObject({
    code,
    message: `because of ${code}`,
    retryable: true,
    event: { type: "API.FETCH_USER_AVAILABILITY", payload },
    ...bridgeError(code),
  });
});

test("throws the backend's error unchanged, with its status", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const asked = connector.request("API.FETCH_USER_AVAILABILITY", payload).catch((error: unknown) => error);
  const type = "API.FETCH_USER_AVAILABILITY_REJECTED";
  const meta = { id: posted[0]?.event.meta.id, source: "backend", status: 404 };
  posted[0]?.answer({ type, payload: { error: "no such user" }, meta });
  const error = await asked;
  expect(error).toBeInstanceOf(RejectedError);
  expect(error).toMatchObject({ status: 404, error: "no such user", retryable: false });
});

test("throws an error for no widget, for a silent widget, and for a destroyed connector", async () => {
  const { connector, user } = setUp();
  const ask = (timeoutMs: number) =>
    connector.request("API.FETCH_USER_AVAILABILITY", payload, { timeoutMs }).catch((error: unknown) => error);
  const unavailable = ask(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await unavailable).toBeInstanceOf(ConnectionError);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const silent = ask(1);
  await vi.advanceTimersByTimeAsync(251);
  expect(await silent).toBeInstanceOf(TimeoutError);
  connector.destroy();
  expect(await inNextTask(ask(1))).toMatchObject({
    name: "ConnectionError",
    code: "CONNECTION_CLOSED",
    retryable: false,
  });
});

test("ignores an abort after the settlement", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const controller = new AbortController();
  const settled = connector.dispatch(fetching, { signal: controller.signal });
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0].event.meta.id } });
  await settled;
  const heard = vi.fn();
  connector.observe(heard);
  controller.abort();
  expect(heard).not.toHaveBeenCalled();
  expect(posted).toHaveLength(1);
});

test("posts no request with an aborted signal", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(await inNextTask(connector.dispatch(fetching, { signal: AbortSignal.abort() }))).toEqual(rejected("ABORTED"));
  expect(posted).toEqual([]);
});

test("posts a request once if a state listener sends the request on `ready`", async () => {
  const { connector, user, posted } = setUp();
  connector.onStateChange((state) => void (state === "ready" && connector.dispatch(fetching)));
  user.onConnected();
  expect(posted).toHaveLength(1);
});

test("posts no queued request that is aborted while an earlier request is posted", async () => {
  const { connector, user, posted } = setUp();
  const controller = new AbortController();
  void connector.dispatch(fetching);
  const aborted = connector.dispatch(fetching, { signal: controller.signal });
  connector.observe(({ kind }) => void (kind === "sent" && controller.abort()));
  user.onConnected();
  expect(await aborted).toEqual(rejected("ABORTED"));
  expect(posted).toHaveLength(1);
});

test("rejects an invalid signal, and settles later requests in time", async () => {
  const { connector, user } = setUp();
  user.onConnected();
  const signal = {} as AbortSignal;
  expect(await inNextTask(connector.dispatch(fetching, { signal }))).toMatchObject({
    payload: { error: { code: "INVALID_REQUEST", message: "signal: expected an AbortSignal" } },
  });
  const settled = connector.dispatch(fetching);
  await vi.advanceTimersByTimeAsync(10_250);
  expect(await settled).toEqual(rejected("TIMEOUT"));
});

test("throws an error instead of a reason if a `BUS.CANCEL` cancelled the request", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  const asked = connector.request("API.FETCH_USER_AVAILABILITY", payload).catch((error: unknown) => error);
  const type = "API.FETCH_USER_AVAILABILITY_REJECTED";
  posted[0]?.answer({ type, payload: bridgeError("ABORTED"), meta: { id: posted[0].event.meta.id, source: "bridge" } });
  expect(await asked).toMatchObject({ name: "RejectedError", code: "ABORTED" });
});

test("notifies every listener of state changes in order", () => {
  const { connector, user } = setUp();
  const states: string[] = [];
  connector.onStateChange(() => connector.destroy());
  connector.onStateChange((state) => states.push(state));
  user.onConnected();
  expect(states).toEqual(["ready", "closed"]);
});

test("cancels a request at the limit of requests in flight", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  for (let count = 0; count < 1_024; count += 1) void connector.dispatch(fetching);
  void connector.dispatch({ type: "BUS.CANCEL", payload: { id: "any" } });
  expect(posted.at(-1)?.event.type).toBe("BUS.CANCEL");
});

test("rejects a settlement of the bridge without an error as invalid", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  const settled = connector.dispatch(fetching);
  const meta = { id: posted[0]?.event.meta.id, source: "bridge" };
  posted[0]?.answer({ type: "TEST.ASK_REJECTED", payload: { error: null }, meta });
  expect(await settled).toEqual(rejected("INVALID_RESPONSE"));
});

const ask = { type: "API.FETCH_USER_AVAILABILITY", payload } as const;

test("sends an idempotent request again after a reconnect, with the remaining timeout", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  const settled = connector.dispatch(ask);
  await vi.advanceTimersByTimeAsync(1_000);
  user.onDisconnected();
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
  const { connector, user } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const settled = connector.dispatch(fetching);
  user.onDisconnected();
  expect(await settled).toEqual(rejected("CONNECTION_CLOSED"));
});

test("rejects an idempotent request after the handshake timeout, counted from the disconnect", async () => {
  const { connector, user } = setUp();
  user.onConnected();
  const settled = vi.fn();
  void connector.dispatch(ask).then(settled);
  await vi.advanceTimersByTimeAsync(2_000);
  user.onDisconnected();
  await vi.advanceTimersByTimeAsync(4_999);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toHaveBeenCalledWith(expect.objectContaining({ payload: { error: expect.anything() } }));
});

test("rejects requests with the reason of a final disconnect", async () => {
  const { connector, user } = setUp();
  user.onConnected();
  const settled = connector.dispatch(ask);
  user.onDisconnected(new BridgeRejectionError("CONNECTION_CLOSED", "gone"));
  expect(await settled).toMatchObject({ payload: { error: { code: "CONNECTION_CLOSED", message: "gone" } } });
});

test("keeps queued requests when an iframe is lost before the first handshake", async () => {
  const { connector, user, posted } = setUp();
  const settled = vi.fn();
  void connector.dispatch(fetching).then(settled);
  await vi.advanceTimersByTimeAsync(4_000);
  user.onDisconnected();
  expect(connector.state).toBe("connecting");
  await vi.advanceTimersByTimeAsync(999);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toHaveBeenCalledExactlyOnceWith(rejected("WIDGET_UNAVAILABLE"));
  expect(posted).toEqual([]);
});

test("does not reject a request that a listener sends during a final disconnect", async () => {
  const { connector, user, posted, ensureConnecting } = setUp();
  user.onConnected();
  void connector.dispatch(ask);
  let again: Promise<unknown> | undefined;
  connector.on("*", () => {
    again ??= connector.dispatch(ask);
  });
  user.onDisconnected(new BridgeRejectionError("CONNECTION_CLOSED", "gone"));
  expect(ensureConnecting).toHaveBeenCalledOnce();
  user.onConnected();
  const id = posted[1]?.event.meta.id;
  posted[1]?.answer({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: 2, meta: { id } });
  expect(await again).toMatchObject({ payload: 2 });
});

test("stops posting queued requests on a disconnect, and posts them to the next widget", () => {
  const { connector, user, posted } = setUp();
  void connector.dispatch(ask);
  void connector.dispatch(ask);
  let hasGone = false;
  connector.observe((record) => {
    if (record.kind !== "sent" || record.event.type !== ask.type || hasGone) return;
    hasGone = true;
    user.onDisconnected();
    void connector.dispatch(ask);
  });
  user.onConnected();
  expect(posted).toHaveLength(1);
  user.onConnected();
  expect(new Set(posted.map(({ event }) => event.meta.id)).size).toBe(3);
});

test("does not register if a state listener destroys the connector on `ready`", () => {
  const { connector, user } = setUp();
  const kinds: string[] = [];
  connector.observe((record) => kinds.push(record.kind === "state" ? record.state : record.kind));
  connector.onStateChange(() => connector.destroy());
  user.onConnected();
  expect(kinds).toEqual(["ready", "closed"]);
});

test("starts to connect when a request is sent without a widget", () => {
  const { connector, user, ensureConnecting } = setUp();
  user.onConnected();
  user.onDisconnected(new BridgeRejectionError("CONNECTION_CLOSED", "gone"));
  expect(ensureConnecting).not.toHaveBeenCalled();
  void connector.dispatch(ask);
  expect(ensureConnecting).toHaveBeenCalledOnce();
});

test("has pending work while `ready` or a request is pending", async () => {
  const { connector, user } = setUp();
  expect(user.hasPendingWork()).toBe(true);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(user.hasPendingWork()).toBe(false);
  void connector.dispatch(ask);
  expect(user.hasPendingWork()).toBe(true);
});

test("wants a widget while a request or `ready` is pending, a user is watched, or the state is observed", async () => {
  const { connector, user, ensureConnecting } = setUp();
  expect([user.isWanted(), user.isWatching()]).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(user.isWanted()).toBe(false);
  const unwatch = connector.watch(1, () => {});
  expect([user.isWanted(), user.isWatching()]).toEqual([true, true]);
  unwatch();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([user.isWanted(), user.isWatching()]).toEqual([false, false]);
  ensureConnecting.mockClear();
  const unsubscribe = connector.onStateChange(() => {});
  expect(ensureConnecting).toHaveBeenCalledOnce();
  expect([user.isWanted(), user.isWatching()]).toEqual([true, false]);
  unsubscribe();
  expect(user.isWanted()).toBe(false);
});

test("sends the page's token to the widget, hidden from listeners and observers", async () => {
  const { connector, user } = setUp(() => "t1");
  user.onConnected();
  await connector.ready;
  const heard = vi.fn();
  connector.on("*", heard);
  connector.observe(heard);
  const asked = { type: "HOST.FETCH_TOKEN", payload: {}, meta: { id: "h1", timeoutMs: 5_000 } };
  const fulfilled = { type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: "t1" }, meta: { id: "h1" } };
  expect(await user.receive(asked)).toEqual(fulfilled);
  expect(heard).not.toHaveBeenCalled();
});

test("rejects the token request without the error's text if `fetchToken` fails", async () => {
  const { user } = setUp(() => Promise.reject(new Error("s3cret")));
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
  const { connector, user } = setUp(fetchToken);
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
  const { connector, user } = setUp(fetchToken);
  const pending = user.receive({ type: "HOST.FETCH_TOKEN" });
  resolveToken("t1");
  connector.destroy();
  expect(await pending).toMatchObject({ type: "HOST.FETCH_TOKEN_REJECTED" });
  expect(await user.receive({ type: "HOST.FETCH_TOKEN" })).toMatchObject({ type: "HOST.FETCH_TOKEN_REJECTED" });
  expect(fetchToken).toHaveBeenCalledOnce();
});

const WATCH = "API.WATCH_AVAILABILITIES";

test("sends the watch list itself: observers see the request, listeners do not", async () => {
  const { connector, user, posted } = setUp();
  const [heard, observed, told] = [vi.fn(), vi.fn(), vi.fn()];
  connector.on("*", heard);
  connector.observe(observed);
  connector.watch(1, told);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.map(({ event }) => event)).toMatchObject([{ type: WATCH, payload: { variables: { userIds: [1] } } }]);
  const id = posted[0]?.event.meta.id;
  const availability = { userId: 1, status: "available", version: 2 };
  posted[0]?.answer({ type: `${WATCH}_FULFILLED`, payload: { 1: availability }, meta: { id } });
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toHaveBeenCalledExactlyOnceWith(availability);
  expect(observed).toHaveBeenCalledWith(expect.objectContaining({ kind: "settled" }));
  expect(heard).not.toHaveBeenCalled();
});

test("notifies `watch` listeners of announcements and of fetched availabilities", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const versions: number[] = [];
  connector.watch(1, ({ version }) => versions.push(version));
  await user.receive({
    type: "USER.TEAMMATE_AVAILABILITY_CHANGED",
    payload: { userId: 1, status: "offline", version: 3, updatedAt: 1 },
  });
  void connector.dispatch(ask);
  const fetched = posted.at(-1);
  const id = fetched?.event.meta.id;
  const payload = { userId: 1, status: "available", version: 4 };
  fetched?.answer({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload, meta: { id } });
  await vi.advanceTimersByTimeAsync(0);
  expect(versions).toEqual([3, 4]);
});

test("sends services and the watch list once to the widget after a reconnect", async () => {
  const { connector, user, posted, ensureConnecting } = setUp();
  user.onConnected();
  connector.watch(1, () => {});
  void connector.dispatch({ type: "BUS.INIT", payload: { services: ["USER"] } });
  await vi.advanceTimersByTimeAsync(0);
  for (const { event, answer } of posted.splice(0)) {
    answer({ type: `${event.type}_FULFILLED`, payload: {}, meta: { id: event.meta.id } });
  }
  await vi.advanceTimersByTimeAsync(0);
  user.onDisconnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(ensureConnecting).toHaveBeenCalled();
  expect(user.hasPendingWork()).toBe(true);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.map(({ event }) => event.type)).toEqual(["BUS.INIT", WATCH]);
});

test("tries to connect once for the watch list if no iframe can be mounted, and sets no timer", async () => {
  const { connector, user, ensureConnecting } = setUp();
  ensureConnecting.mockImplementation(() => user.onDisconnected(new BridgeRejectionError("CONNECTION_CLOSED", "gone")));
  user.onConnected();
  connector.watch(1, () => {});
  await vi.advanceTimersByTimeAsync(0);
  user.onDisconnected(new BridgeRejectionError("CONNECTION_CLOSED", "gone"));
  await vi.advanceTimersByTimeAsync(600_000);
  expect(ensureConnecting).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test("retries with pauses while users are watched and no widget connects, and sends the list to the first widget", async () => {
  const { connector, user, posted, ensureConnecting } = setUp();
  connector.watch(1, () => {});
  await vi.advanceTimersByTimeAsync(120_000);
  expect(ensureConnecting.mock.calls.length).toBeGreaterThan(3);
  expect(posted).toEqual([]);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.map(({ event }) => event.type)).toEqual([WATCH]);
});

test("has no timer on an idle page that watches a thousand users", async () => {
  const { connector, user, posted } = setUp();
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

test("notifies no listener or observer after `destroy`, and watches no further user", async () => {
  const { connector, user } = setUp();
  user.onConnected();
  const [told, observed] = [vi.fn(), vi.fn()];
  const off = connector.watch(1, told);
  await vi.advanceTimersByTimeAsync(0);
  connector.destroy();
  connector.observe(observed);
  off();
  connector.watch(2, told);
  await vi.advanceTimersByTimeAsync(600_000);
  expect([...told.mock.calls, ...observed.mock.calls]).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("notifies `watch` listeners only of events that carry availabilities by the widget's traits", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const told = vi.fn();
  connector.watch(1, told);
  const type = "API.FETCH_AVAILABILITY_HISTORY";
  void connector.dispatch({ type });
  const payload = { userId: 1, version: 9 };
  posted.at(-1)?.answer({ type: `${type}_FULFILLED`, payload, meta: { id: posted.at(-1)?.event.meta.id } });
  await user.receive({ type: "USER.AVAILABILITY_HISTORY_CHANGED", payload });
  await vi.advanceTimersByTimeAsync(0);
  expect(told).not.toHaveBeenCalled();
});

test("applies a newer widget's traits to unknown events: resends them, and notifies `watch` listeners", async () => {
  const traits = { idempotent: ["CALLS.LIST"], availabilities: ["USER.BACK"], mute: ["CALLS.LIST"] };
  const { connector, user, posted } = setUp(undefined, { ...REGISTERED, traits });
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const told = vi.fn();
  connector.watch(1, told);
  const availability = { userId: 1, status: "available", version: 9 };
  await user.receive({ type: "USER.BACK", payload: availability });
  expect(told).toHaveBeenCalledExactlyOnceWith(availability);
  void connector.dispatch({ type: "CALLS.LIST" });
  user.onDisconnected();
  user.onConnected();
  expect(posted.filter(({ event }) => event.type === "CALLS.LIST")).toHaveLength(2);
});

test("decides by the next widget about what was lost before the first had registered the page", async () => {
  const { connector, user, posted, registrations } = setUp(undefined, null);
  user.onConnected();
  const outcomes: string[] = [];
  const note = ({ type }: { readonly type: string }): void => void outcomes.push(type);
  void connector.dispatch(ask).then(note);
  void connector.dispatch({ type: "CALLS.DIAL" }).then(note);
  user.onDisconnected();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted).toHaveLength(2);
  expect(outcomes).toEqual([]);
  registrations.at(-1)?.(REGISTERED);
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.map(({ event }) => event.type)).toEqual([ask.type, "CALLS.DIAL", ask.type]);
  expect(outcomes).toEqual(["CALLS.DIAL_REJECTED"]);
  connector.destroy();
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes).toEqual(["CALLS.DIAL_REJECTED", `${ask.type}_REJECTED`]);
});

test("rejects in time what was lost before any widget has registered the page", async () => {
  const { connector, user } = setUp(undefined, null);
  user.onConnected();
  const settled = connector.dispatch(ask);
  user.onDisconnected();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(10_250);
  expect(await settled).toMatchObject({ type: `${ask.type}_REJECTED` });
});

test.each<[string, object | null]>([
  ["is of release 0.1.0 and lists no traits", { ...REGISTERED, traits: undefined }],
  [
    "lists traits in an unknown form",
    { ...REGISTERED, traits: { idempotent: { "API.FETCH_USER_AVAILABILITY": true } } },
  ],
  ["registers the page with an empty payload", []],
])("sends no request again after the loss of a widget that %s", async (_name, registered) => {
  const { connector, user } = setUp(undefined, registered);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const settled = connector.dispatch(ask);
  user.onDisconnected();
  expect(await settled).toMatchObject({ payload: { error: { code: "CONNECTION_CLOSED", retryable: true } } });
});

test("applies the last widget's traits until the next widget has registered the page", async () => {
  const { connector, user, posted } = setUp();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  user.onDisconnected();
  user.onConnected();
  void connector.dispatch(ask);
  user.onDisconnected();
  user.onConnected();
  expect(posted).toHaveLength(2);
});

test.each(Object.entries(contract).filter(([, { bypassesLimit }]) => bypassesLimit))(
  "sends %s beyond the limit of requests in flight, as the contract allows",
  (type) => {
    const { connector, user } = setUp();
    user.onConnected();
    for (let count = 0; count < 1_024; count += 1) void connector.dispatch(fetching);
    const sent = vi.fn();
    connector.observe((record) => void (record.kind === "sent" && sent(record.event.type)));
    void connector.dispatch({ type, payload: {} } as never);
    expect(sent).toHaveBeenCalledExactlyOnceWith(type);
  },
);
