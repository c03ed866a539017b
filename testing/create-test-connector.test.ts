/** The test connector as a page's test uses it: in plain Node, with the clock of the test. */
import { afterEach, beforeEach, expect, expectTypeOf, onTestFinished, test, vi } from "vitest";
import type { Connector } from "../host/connector.ts";
import { ConnectionError, ContractError, RejectedError, TimeoutError } from "../shared/protocol/errors.ts";
import { createTestConnector as create, type TestConnector, type TestConnectorOptions } from "./index.ts";

const FETCH = "API.FETCH_USER_AVAILABILITY";
const of = (userId: number) => ({ variables: { userId } });
const AGENTS = { 123: "available", 124: { status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 20 } } as const;

const open = new Set<Connector>();

function createTestConnector(options: TestConnectorOptions = { availabilities: AGENTS }): TestConnector {
  const connector = create(options);
  open.add(connector);
  return connector;
}

/** Lets everything happen that waits for no time to pass. */
const settleAll = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());

afterEach(() => {
  for (const connector of open) connector.destroy();
  open.clear();
  vi.useRealTimers();
});

test("is a connector: connects by itself, after the call, and settles requests", async () => {
  const connector = createTestConnector();
  expectTypeOf(connector).toExtend<Connector>();
  expect(connector.state).toBe("connecting");
  await connector.ready;
  expect(connector.state).toBe("ready");
  expect(await connector.request(FETCH, of(123))).toEqual({ userId: 123, status: "available", version: 1 });
  expect(await connector.request("API.FETCH_AVAILABILITIES", undefined)).toEqual({
    123: { userId: 123, status: "available", version: 1 },
    124: { userId: 124, ...AGENTS[124], version: 2 },
  });
  expect(await connector.request("BUS.STATS", undefined)).toMatchObject({ calls: 2 });
});

test("settles a request that was sent before the widget connected", async () => {
  const connector = createTestConnector();
  expect(await connector.request(FETCH, of(123))).toMatchObject({ status: "available" });
});

test("needs no timer and no clock for a request, so that a test may have stopped both", async () => {
  const connector = createTestConnector();
  const now = performance.now();
  await connector.request(FETCH, of(123));
  expect(performance.now()).toBe(now);
});

test("rejects as the gateway does what it does not have, and as the widget does what is not in the contract", async () => {
  const connector = createTestConnector();
  const unknown = connector.request(FETCH, of(999));
  await expect(unknown).rejects.toBeInstanceOf(RejectedError);
  await expect(unknown).rejects.toMatchObject({ status: 404, retryable: false, error: { detail: "No user 999" } });
  const invalid = connector.request(FETCH, of(0));
  await expect(invalid).rejects.toBeInstanceOf(ContractError);
  await expect(invalid).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    message: expect.stringContaining("payload.variables.userId: expected a whole number from 1"),
  });
  expect(await connector.dispatch({ type: "API.NEW_EVENT" })).toMatchObject({
    payload: { error: { code: "UNKNOWN_EVENT" } },
  });
});

test("tells a watching page each change in order, once, with a growing version", async () => {
  const connector = createTestConnector();
  const told: unknown[] = [];
  const statuses: unknown[] = [];
  connector.watch(123, ({ status, version }) => told.push([status, version]), {
    onStatus: ({ status }) => statuses.push(status),
  });
  expect(told).toEqual([]);
  await settleAll();
  connector.setAvailability(123, "in_call");
  connector.setAvailability(123, "in_call");
  connector.setAvailability(124, "offline");
  connector.setAvailability(123, "on_a_break");
  await settleAll();
  expect(told).toEqual([
    ["available", 1],
    ["in_call", 3],
    ["on_a_break", 5],
  ]);
  expect([statuses, connector.liveState]).toEqual([["live"], "live"]);
});

test("tells a watching page that an agent is unknown, comes, is removed, and comes back", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  const connector = createTestConnector({});
  const told: string[] = [];
  connector.watch(7, ({ status }) => told.push(status), { onStatus: ({ status }) => told.push(`is ${status}`) });
  await settleAll();
  connector.setAvailability(7, "available");
  await settleAll();
  connector.removeUser(7);
  connector.removeUser(7);
  await settleAll();
  connector.setAvailability(7, "offline");
  await settleAll();
  expect(told).toEqual(["is unknown-user", "available", "is live", "is removed", "offline", "is live"]);
});

test("announces the changes of all agents after BUS.INIT, the signed-in agent's by an event of their own", async () => {
  const connector = createTestConnector({ availabilities: AGENTS, userId: 123 });
  await connector.request("BUS.INIT", { services: ["USER"] });
  await settleAll();
  const heard: unknown[] = [];
  connector.on("*", ({ type, payload }, request) => void (request ?? heard.push([type, Object(payload).status])));
  expect(await connector.request("API.UPDATE_AVAILABILITY", { status: "in_training" })).toMatchObject({
    userId: 123,
    status: "in_traning",
  });
  connector.setAvailability(124, "offline");
  await settleAll();
  expect(heard).toEqual([
    ["USER.AVAILABILITY_CHANGED", "in_traning"],
    ["USER.TEAMMATE_AVAILABILITY_CHANGED", "offline"],
  ]);
});

test("rejects the change of an availability without a signed-in agent, as the gateway does", async () => {
  const connector = createTestConnector();
  await expect(connector.request("API.UPDATE_AVAILABILITY", { status: "auto" })).rejects.toMatchObject({ status: 403 });
});

test("runs wrap-up times down by the clock of the test", async () => {
  const connector = createTestConnector();
  await vi.advanceTimersByTimeAsync(12_000);
  expect(await connector.request(FETCH, of(124))).toMatchObject({ wrapUpTimeTtl: 8 });
  await vi.advanceTimersByTimeAsync(12_000);
  expect(await connector.request(FETCH, of(124))).toMatchObject({ wrapUpTimeTtl: 0 });
});

test("stays live for hours while the test's clock runs", async () => {
  const connector = createTestConnector();
  const statuses: string[] = [];
  connector.watch([123, 124], () => {}, { onStatus: ({ status }) => statuses.push(status) });
  await vi.advanceTimersByTimeAsync(7_200_000);
  expect([connector.liveState, statuses]).toEqual(["live", ["live", "live"]]);
});

test("rejects requests of a type until told otherwise, by the backend's error or by the bridge's", async () => {
  const connector = createTestConnector();
  const accept = connector.reject(FETCH, { status: 503, body: { detail: "down" } });
  const rejected = connector.request(FETCH, of(123));
  await expect(rejected).rejects.toBeInstanceOf(RejectedError);
  await expect(rejected).rejects.toMatchObject({ status: 503, error: { detail: "down" }, retryable: true });
  expect(await connector.request("API.FETCH_AVAILABILITIES", undefined)).toHaveProperty("123");
  accept();
  connector.reject(FETCH, "BACKEND_UNREACHABLE", 1);
  await expect(connector.request(FETCH, of(123))).rejects.toMatchObject({ code: "BACKEND_UNREACHABLE" });
  expect(await connector.request(FETCH, of(123))).toMatchObject({ userId: 123 });
});

test.each([
  [403, "not-allowed"],
  [503, "error"],
])("gives a watched user the status of a rejection with %d: %s", async (status, expected) => {
  const connector = createTestConnector();
  connector.reject("API.CHANGE_WATCHED_USERS", { status });
  const onStatus = vi.fn();
  connector.watch(123, () => {}, { onStatus });
  await settleAll();
  expect(onStatus).toHaveBeenLastCalledWith(expect.objectContaining({ status: expected, userId: 123 }));
});

test("a request that the contract refuses uses up no planned rejection", async () => {
  const connector = createTestConnector();
  connector.reject(FETCH, { status: 503 }, 1);
  await expect(connector.request(FETCH, of(-1))).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  await expect(connector.request(FETCH, of(123))).rejects.toMatchObject({ status: 503 });
});

test("delays the backend's answers, and rejects a request whose timeout is shorter", async () => {
  const connector = createTestConnector();
  const stop = connector.delay(3_000);
  const settled = vi.fn();
  void connector.request(FETCH, of(123)).then(settled);
  await vi.advanceTimersByTimeAsync(2_999);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toHaveBeenCalledOnce();
  const late = expect(connector.request(FETCH, of(123), { timeoutMs: 1_000 })).rejects.toMatchObject({
    code: "BACKEND_TIMEOUT",
  });
  await vi.advanceTimersByTimeAsync(1_000);
  await late;
  stop();
  expect(await connector.request(FETCH, of(123))).toMatchObject({ userId: 123 });
});

test("delays the requests of one type alone, the bus's own included", async () => {
  const connector = createTestConnector();
  await connector.ready;
  connector.delay(60_000, "BUS.STATS");
  expect(await connector.request(FETCH, of(123))).toMatchObject({ userId: 123 });
  const late = expect(connector.request("BUS.STATS", undefined)).rejects.toBeInstanceOf(RejectedError);
  await vi.advanceTimersByTimeAsync(10_000);
  await late;
});

test("aborts a delayed request with the reason of its signal", async () => {
  const connector = createTestConnector();
  await connector.ready;
  connector.delay(5_000);
  const controller = new AbortController();
  const aborted = expect(connector.request(FETCH, of(123), { signal: controller.signal })).rejects.toBe("enough");
  await settleAll();
  controller.abort("enough");
  await aborted;
  await settleAll();
  expect(connector.requests.map(({ type }) => type)).toEqual([FETCH, "BUS.CANCEL"]);
});

test("sends idempotent requests again after a loss, and rejects the others", async () => {
  const connector = createTestConnector({ availabilities: AGENTS, userId: 123 });
  await connector.ready;
  connector.delay(1_000);
  const read = connector.request(FETCH, of(123));
  const write = expect(connector.request("API.UPDATE_AVAILABILITY", { status: "auto" })).rejects.toMatchObject({
    name: "ConnectionError",
    code: "CONNECTION_CLOSED",
  });
  await settleAll();
  connector.disconnect();
  expect(connector.state).toBe("reconnecting");
  await write;
  connector.reconnect();
  expect(connector.state).toBe("ready");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await read).toMatchObject({ userId: 123 });
});

test("a widget that is reloaded is lost first: reconnect alone ends the requests of the last one", async () => {
  const connector = createTestConnector({ availabilities: AGENTS, userId: 123 });
  await connector.ready;
  const states: string[] = [];
  connector.onStateChange((state) => states.push(state));
  connector.reconnect();
  expect(states).toEqual(["reconnecting", "ready"]);
});

test("what is watched is stale while the widget is away, and right again after its return", async () => {
  const connector = createTestConnector();
  const told: unknown[] = [];
  connector.watch(123, ({ status }) => told.push(status), { onStatus: ({ status }) => told.push(`is ${status}`) });
  await settleAll();
  connector.disconnect();
  await settleAll();
  expect(connector.liveState).toBe("stale");
  connector.setAvailability(123, "in_call");
  connector.reconnect();
  await settleAll();
  expect(told).toEqual(["available", "is live", "is stale", "in_call", "is live"]);
  expect(connector.liveState).toBe("live");
});

test("a connector that the test disconnects at once never connects: ready and requests are rejected", async () => {
  const connector = createTestConnector({ handshakeTimeoutMs: 2_000 });
  connector.disconnect();
  const ready = expect(connector.ready).rejects.toBeInstanceOf(ConnectionError);
  const rejected = expect(connector.request(FETCH, of(1))).rejects.toMatchObject({
    code: "WIDGET_UNAVAILABLE",
    message: "No widget answered: the test has disconnected it",
  });
  await vi.advanceTimersByTimeAsync(2_000);
  await Promise.all([ready, rejected]);
  connector.reconnect();
  await expect(connector.request(FETCH, of(1))).rejects.toMatchObject({ status: 404 });
});

test("a widget that answers nothing is a TimeoutError", async () => {
  const connector = createTestConnector();
  connector.reject("BUS.STATS", "TIMEOUT");
  await expect(connector.request("BUS.STATS", undefined)).rejects.toBeInstanceOf(TimeoutError);
});

test("gives the widget the page's token, and asks for another one when the session expires", async () => {
  const tokens = ["t1", "t2"];
  const fetchToken = vi.fn(() => tokens.shift() ?? "t2");
  const connector = createTestConnector({ availabilities: AGENTS, fetchToken });
  const expired = vi.fn();
  connector.on("AUTH.SESSION_EXPIRED", expired);
  await connector.request(FETCH, of(123));
  expect(fetchToken).toHaveBeenCalledOnce();
  connector.expireSession();
  expect(await connector.request(FETCH, of(123))).toMatchObject({ userId: 123 });
  expect(fetchToken).toHaveBeenCalledTimes(2);
  expect(expired).not.toHaveBeenCalled();
});

test("ends the session of a page that has no other token, and begins it again with a new one", async () => {
  let token = "t1";
  const connector = createTestConnector({ availabilities: AGENTS, fetchToken: () => token });
  const told: string[] = [];
  connector.on("AUTH.SESSION_EXPIRED", () => told.push("expired"));
  connector.watch(123, ({ status }) => told.push(status), { onStatus: ({ status }) => told.push(`is ${status}`) });
  await settleAll();
  connector.expireSession();
  await settleAll();
  expect(told).toEqual(["available", "is live", "is session-expired", "expired"]);
  await expect(connector.request(FETCH, of(123))).rejects.toMatchObject({ status: 401 });
  token = "t2";
  connector.setAvailability(123, "in_call");
  await connector.refreshToken();
  await settleAll();
  expect(told.slice(4)).toEqual(["in_call", "is stale", "is live"]);
});

test("ends the session while fetchToken fails, and makes what is watched right again once it gives a token", async () => {
  vi.stubGlobal("reportError", () => {});
  onTestFinished(() => void vi.unstubAllGlobals());
  let token: string | undefined = "t1";
  const fetchToken = (): string => {
    if (token === undefined) throw new Error("signed out");
    return token;
  };
  const connector = createTestConnector({ availabilities: AGENTS, fetchToken });
  const told: string[] = [];
  connector.watch(123, ({ status }) => told.push(status), { onStatus: ({ status }) => told.push(`is ${status}`) });
  await settleAll();
  token = undefined;
  connector.expireSession();
  connector.setAvailability(123, "in_call");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual(["available", "is live", "is session-expired"]);
  token = "t2";
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told.slice(3)).toEqual(["in_call", "is stale", "is live"]);
});

test("ends the session of a page without a token", async () => {
  const connector = createTestConnector();
  const expired = vi.fn();
  connector.on("AUTH.SESSION_EXPIRED", expired);
  await connector.request(FETCH, of(123));
  connector.expireSession();
  await expect(connector.request(FETCH, of(123))).rejects.toMatchObject({ status: 401 });
  expect(expired).toHaveBeenCalledOnce();
});

test("records what was asked, in order, as it was asked", async () => {
  const connector = createTestConnector();
  void connector.request(FETCH, of(123));
  void connector.dispatch({ type: "API.NEW_EVENT" });
  connector.watch([123, 124], () => {});
  await settleAll();
  expect(connector.requests).toEqual([
    { type: FETCH, payload: of(123) },
    { type: "API.NEW_EVENT" },
    { type: "API.CHANGE_WATCHED_USERS", payload: { variables: { added: [123, 124], removed: [] } } },
  ]);
});

test("two test connectors know nothing of each other", async () => {
  const [one, two] = [createTestConnector(), createTestConnector()];
  one.setAvailability(123, "offline");
  expect(await two.request(FETCH, of(123))).toMatchObject({ status: "available" });
  expect(one.requests).toEqual([]);
});

test("destroy is final, and ends what the page watches and what is delayed", async () => {
  const connector = createTestConnector();
  const onStatus = vi.fn();
  connector.watch(124, () => {}, { onStatus });
  connector.delay(5_000);
  const settled = connector.dispatch({ type: FETCH, payload: of(123) });
  await settleAll();
  connector.destroy();
  connector.setAvailability(124, "offline");
  connector.reconnect();
  connector.disconnect();
  expect(await settled).toMatchObject({ payload: { error: { code: "CONNECTION_CLOSED" } } });
  expect(onStatus).toHaveBeenLastCalledWith(expect.objectContaining({ status: "error" }));
  await vi.advanceTimersByTimeAsync(600_000);
  expect(connector.state).toBe("closed");
  expect(vi.getTimerCount()).toBe(0);
});

test.each<[object, string]>([
  [{ availabilities: { 123: "avialable" } }, "availabilities.123.status: expected one of offline, do_not_disturb"],
  [{ availabilities: { 0: "available" } }, "availabilities.0.userId: expected a whole number from 1"],
  [{ availabilities: { 1: { status: "available", wrapUpTimeTtl: 5 } } }, "wrapUpTimeConfig and wrapUpTimeTtl together"],
  [{ userId: 5 }, "userId: expected one of availabilities, not 5"],
  [{ timeoutMs: 0 }, "timeoutMs: expected whole milliseconds"],
])("names the fault in %j", (options, message) => {
  expect(() => create(options)).toThrow(message);
});

test.each<[(connector: TestConnector) => unknown, string]>([
  [({ setAvailability }) => setAvailability(1, "in_training" as "other"), "setAvailability.status: expected one of"],
  [({ reject }) => reject("API.FETCH_USERS" as typeof FETCH, { status: 500 }), "type: expected one of API.FETCH_USER"],
  [
    ({ reject }) => reject(FETCH, "BROKEN" as "INTERNAL"),
    "error: expected { status } of 400 to 599, or one of INVALID",
  ],
  [({ reject }) => reject(FETCH, { code: "INTERNAL" } as unknown as "INTERNAL"), 'not {"code":"INTERNAL"}'],
  [({ reject }) => reject(FETCH, { status: 200 }), "expected { status } of 400 to 599"],
  [({ reject }) => reject(FETCH, undefined as unknown as "INTERNAL"), "not undefined"],
  [({ delay }) => delay(Number.NaN), "milliseconds: expected a number from 0, not NaN"],
])("names a wrong argument: %s", (act, message) => {
  expect(() => act(createTestConnector())).toThrow(message);
});

test("refuses an option that it does not have, by its name", () => {
  const misspelt = { availability: AGENTS };
  expect(() => createTestConnector(misspelt as TestConnectorOptions)).toThrow(
    new TypeError(
      "createTestConnector has no option availability: expected availabilities, userId, fetchToken, timeoutMs, handshakeTimeoutMs",
    ),
  );
});
