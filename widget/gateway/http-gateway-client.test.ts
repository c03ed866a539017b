import { expect, onTestFinished, test, vi } from "vitest";
import type { ScriptedAnswer } from "../../gateway/test/scripted-backend.ts";
import { authorizations, scope, setUpGatewayClient as setUp } from "../test/scripted-gateway-client.ts";

const body = { userId: 123, status: "available", version: 1 };

test("makes one call for two callers at once and another for a later one", async () => {
  const { backend, gateway } = await setUp({ status: 200, body });
  const both = [gateway.fetchAvailability(123, scope()), gateway.fetchAvailability(123, scope())];
  expect(await Promise.all(both)).toEqual([body, body]);
  expect(backend.calls).toHaveLength(1);
  await gateway.fetchAvailability(123, scope());
  expect(backend.calls).toHaveLength(2);
});

test("never repeats a call that the backend has refused for good", async () => {
  const { backend, gateway } = await setUp({ status: 404, body: { title: "Not Found" } });
  const refusal = { status: 404, body: { title: "Not Found" } };
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject(refusal);
  expect(backend.calls).toHaveLength(1);
});

test("gives up after three calls with the backend's last body", async () => {
  const { backend, gateway } = await setUp({ status: 503, body: { title: "busy" } });
  const refusal = { status: 503, body: { title: "busy" } };
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject(refusal);
  expect(backend.calls).toHaveLength(3);
});

test.each<[string, ScriptedAnswer]>([
  ["a redirect", { status: 302, headers: { location: "/elsewhere" }, text: "" }],
  [
    "a body over 1 MiB, were it only for its spaces",
    { status: 200, text: JSON.stringify(body).padEnd(1024 * 1024 + 1) },
  ],
  ["another user's answer", { status: 200, body: { ...body, userId: 124 } }],
])("refuses %s as an answer", async (_name, answer) => {
  const { backend, gateway } = await setUp(answer);
  const rejection = expect.objectContaining({ code: "INVALID_RESPONSE" });
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject({ rejection });
  expect(backend.calls).toHaveLength(1);
});

test("asks over the connection of the document, past every cache, and follows no redirect", async () => {
  const { gateway } = await setUp({ status: 200, body });
  const fetched = vi.spyOn(globalThis, "fetch");
  onTestFinished(() => fetched.mockRestore());
  await gateway.fetchAvailability(123, scope());
  const [, options] = fetched.mock.calls[0] ?? [];
  expect(options).toMatchObject({ credentials: "same-origin", cache: "no-store", redirect: "manual" });
});

test("leaves half of each wait, and more, to chance", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => void vi.restoreAllMocks());
  const timers = vi.spyOn(globalThis, "setTimeout");
  const { gateway } = await setUp([
    { status: 503, body: {} },
    { status: 200, body },
  ]);
  await gateway.fetchAvailability(123, scope());
  const waits = timers.mock.calls.map(([, milliseconds]) => milliseconds);
  expect(waits).toContain(0);
  expect(waits).not.toContain(250);
});

const unauthorized = { status: 401, body: { type: "about:blank", title: "Unauthorized", status: 401 } };
const refusal = { name: "BackendResponseError", status: 401, body: unauthorized.body };

test("calls with the page's token, and without a header where the page has none", async () => {
  const signedIn = await setUp({ status: 200, body }, ["t1"]);
  await signedIn.gateway.fetchAvailability(123, scope());
  await signedIn.gateway.fetchAvailability(123, scope());
  expect(authorizations(signedIn.backend)).toEqual(["Bearer t1", "Bearer t1"]);
  expect(signedIn.asked).toHaveBeenCalledOnce();
  const signedOut = await setUp({ status: 200, body });
  await signedOut.gateway.fetchAvailability(123, scope());
  expect(authorizations(signedOut.backend)).toEqual([undefined]);
});

test("calls once more with another token after a 401", async () => {
  const { backend, gateway, asked } = await setUp([unauthorized, { status: 200, body }], ["t1", "t2"]);
  expect(await gateway.fetchAvailability(123, scope())).toEqual(body);
  expect(authorizations(backend)).toEqual(["Bearer t1", "Bearer t2"]);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("calls no third time after a second 401", async () => {
  const { backend, gateway, asked } = await setUp(unauthorized, ["t1", "t2", "t3"]);
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject(refusal);
  expect(authorizations(backend)).toEqual(["Bearer t1", "Bearer t2"]);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("makes no second call where the page gives the refused token again", async () => {
  const { backend, gateway, asked } = await setUp(unauthorized, ["t1"]);
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject(refusal);
  expect(authorizations(backend)).toEqual(["Bearer t1"]);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("after a 401 asks a page once that has just said that it has no token, and again for the next request", async () => {
  const { backend, gateway, asked } = await setUp(unauthorized);
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject(refusal);
  expect(asked).toHaveBeenCalledOnce();
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject(refusal);
  expect(asked).toHaveBeenCalledTimes(2);
  expect(backend.calls).toHaveLength(2);
});

test("asks the page once for all calls that are refused at the same time", async () => {
  const { backend, gateway, asked } = await setUp(unauthorized, ["t1", "t2"]);
  const reads = [
    gateway.fetchAvailability(1, scope()),
    gateway.fetchAllAvailabilities(scope()),
    gateway.updateOwnAvailability("auto", scope()),
  ];
  await Promise.allSettled(reads);
  expect(asked).toHaveBeenCalledTimes(2);
  expect(backend.calls).toHaveLength(6);
});

test("asks for no other token after an answer that is no 401", async () => {
  const { gateway, asked } = await setUp({ status: 403, body: {} }, ["t1", "t2"]);
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject({ status: 403 });
  expect(asked).toHaveBeenCalledOnce();
});

test("sends the request's trace context along, and none where there is none", async () => {
  const { backend, gateway } = await setUp({ status: 200, body });
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await gateway.fetchAvailability(123, { ...scope(), traceparent });
  await gateway.fetchAvailability(123, scope());
  expect(backend.calls.map(({ headers }) => headers["traceparent"])).toEqual([traceparent, undefined]);
});
