/** Aborted requests of a connector. */
import { expect, test, vi } from "vitest";
import { contract } from "../shared/contracts/index.ts";
import { bridgeError, createTestConnector, inNextTask, payload, QUESTION, rejectedWith } from "./test-connector.ts";

test("cancels an aborted request in the widget and throws the signal's reason", async () => {
  const { connector, user, posted } = createTestConnector();
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

test("ignores an abort after the settlement", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const controller = new AbortController();
  const settled = connector.dispatch(QUESTION, { signal: controller.signal });
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0].event.meta.id } });
  await settled;
  const heard = vi.fn();
  connector.observe(heard);
  controller.abort();
  expect(heard).not.toHaveBeenCalled();
  expect(posted).toHaveLength(1);
});

test("posts no request with an aborted signal", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(await inNextTask(connector.dispatch(QUESTION, { signal: AbortSignal.abort() }))).toEqual(
    rejectedWith("ABORTED"),
  );
  expect(posted).toEqual([]);
});

test("rejects an invalid signal, and settles later requests in time", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  const signal = {} as AbortSignal;
  expect(await inNextTask(connector.dispatch(QUESTION, { signal }))).toMatchObject({
    payload: { error: { code: "INVALID_REQUEST", message: "signal: expected an AbortSignal" } },
  });
  const settled = connector.dispatch(QUESTION);
  await vi.advanceTimersByTimeAsync(10_250);
  expect(await settled).toEqual(rejectedWith("TIMEOUT"));
});

test("throws an error instead of a reason if a `BUS.CANCEL` cancelled the request", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  const asked = connector.request("API.FETCH_USER_AVAILABILITY", payload).catch((error: unknown) => error);
  const type = "API.FETCH_USER_AVAILABILITY_REJECTED";
  posted[0]?.answer({ type, payload: bridgeError("ABORTED"), meta: { id: posted[0].event.meta.id, source: "bridge" } });
  expect(await asked).toMatchObject({ name: "RejectedError", code: "ABORTED" });
});

test("cancels a request at the limit of requests in flight", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  for (let count = 0; count < 1_024; count += 1) void connector.dispatch(QUESTION);
  void connector.dispatch({ type: "BUS.CANCEL", payload: { id: "any" } });
  expect(posted.at(-1)?.event.type).toBe("BUS.CANCEL");
});

test.each(Object.entries(contract).filter(([, { bypassesLimit }]) => bypassesLimit))(
  "sends %s beyond the limit of requests in flight, as the contract allows",
  (type) => {
    const { connector, user } = createTestConnector();
    user.onConnected();
    for (let count = 0; count < 1_024; count += 1) void connector.dispatch(QUESTION);
    const sent = vi.fn();
    connector.observe((record) => void (record.kind === "sent" && sent(record.event.type)));
    void connector.dispatch({ type, payload: {} } as never);
    expect(sent).toHaveBeenCalledExactlyOnceWith(type);
  },
);
