import { expect, onTestFinished, test, vi } from "vitest";
import { type ScriptedAnswer, type ScriptedBackend, startScriptedBackend } from "../e2e/scripted-backend.ts";
import { deadlineIn } from "../shared/deadline.ts";
import type { CallScope, GatewayClient } from "./gateway-client.ts";
import { createHttpGatewayClient } from "./http-gateway-client.ts";

async function setUp(
  answers: ScriptedAnswer | readonly ScriptedAnswer[],
): Promise<{ backend: ScriptedBackend; gateway: GatewayClient }> {
  const backend = await startScriptedBackend({ answers });
  onTestFinished(() => backend.close());
  return { backend, gateway: createHttpGatewayClient(new URL("/v1/", backend.origin)) };
}

function scope(controller = new AbortController()): CallScope {
  return { signal: controller.signal, deadline: deadlineIn(10_000) };
}

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

test("asks without credentials, past every cache, and follows no redirect", async () => {
  const { gateway } = await setUp({ status: 200, body });
  const fetched = vi.spyOn(globalThis, "fetch");
  onTestFinished(() => fetched.mockRestore());
  await gateway.fetchAvailability(123, scope());
  const [input] = fetched.mock.calls[0] ?? [];
  expect(input).toMatchObject({ credentials: "omit", cache: "no-store", redirect: "manual" });
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
