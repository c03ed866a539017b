/** Errors of `request`. */
import { expect, test, vi } from "vitest";
import { ConnectionError, ContractError, RejectedError, TimeoutError } from "../shared/protocol/errors.ts";
import { bridgeError, createTestConnector, FETCH, inNextTask, payload } from "./test-connector.ts";

test.each([
  ["INVALID_REQUEST", ContractError],
  ["UNKNOWN_EVENT", ContractError],
  ["INVALID_RESPONSE", ContractError],
  ["BACKEND_UNREACHABLE", RejectedError],
  ["BACKEND_TIMEOUT", RejectedError],
  ["OVERLOADED", RejectedError],
  ["INTERNAL", RejectedError],
])("throws the widget's %s as the error class for its code", async (code, kind) => {
  const { connector, user, posted } = createTestConnector();
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

test("names the wrong fields of a request in `error.error.issues`", async () => {
  const { connector } = createTestConnector();
  const asked = connector
    .request("API.FETCH_USER_AVAILABILITY", payload, { timeoutMs: 0 })
    .catch((error: unknown) => error);
  const error = await inNextTask(asked);
  expect(error).toBeInstanceOf(ContractError);
  expect(error).toMatchObject({ code: "INVALID_REQUEST", error: { issues: [{ path: "timeoutMs" }] } });
});

test("throws the backend's error unchanged, with its status", async () => {
  const { connector, user, posted } = createTestConnector();
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
  const { connector, user } = createTestConnector();
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

test("throws the backend's error, and not the signal's reason, if the caller aborts after the rejection", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const controller = new AbortController();
  const { type } = FETCH;
  const thrown = connector.request(type, payload, { signal: controller.signal }).catch((error: unknown) => error);
  connector.on(`${type}_REJECTED`, () => controller.abort(new Error("no longer needed")));
  const meta = { id: posted[0]?.event.meta.id, source: "backend", status: 404 };
  posted[0]?.answer({ type: `${type}_REJECTED`, payload: { error: "no such user" }, meta });
  expect(await thrown).toMatchObject({ name: "RejectedError", status: 404 });
});

test("throws an error for a request with a timeout and no signal that a `BUS.CANCEL` cancelled", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const { type } = FETCH;
  const thrown = connector.request(type, payload, { timeoutMs: 1_000 }).catch((error: unknown) => error);
  const meta = { id: posted[0]?.event.meta.id, source: "bridge" };
  posted[0]?.answer({ type: `${type}_REJECTED`, payload: bridgeError("ABORTED"), meta });
  expect(await thrown).toMatchObject({ name: "RejectedError", code: "ABORTED" });
});
