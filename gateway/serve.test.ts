import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { AvailabilityService } from "./availability-service.ts";
import { ListenError } from "./operations/lifecycle/listen.ts";
import { type RunningGateway, serveGateway } from "./serve.ts";
import { readSettings } from "./settings/settings.ts";
import { TEST_BUILD, TEST_FILES } from "./test/test-build.ts";
import {
  fetchChecked,
  sampleAvailabilityService,
  testCustomers,
  unusedAvailabilityService,
} from "./test/test-gateway.ts";

async function listeningGateway(
  availabilities: AvailabilityService,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningGateway & { readonly defects: readonly unknown[] }> {
  const defects: unknown[] = [];
  const gateway = await serveGateway(readSettings({ GATEWAY_PORT: "0", ...environment }), {
    customers: await testCustomers({ availabilities }),
    files: TEST_FILES,
    onDefect: (error) => void defects.push(error),
  });
  onTestFinished(gateway.close);
  return { ...gateway, defects };
}

/** A store whose reads resolve when the test says so. */
function pausedStore() {
  const paused: { arrived?: (signal: AbortSignal) => void; respond?: () => void } = {};
  const arrival = new Promise<AbortSignal>((resolve) => {
    paused.arrived = resolve;
  });
  const store: AvailabilityService = {
    ...unusedAvailabilityService(),
    read: (userId, signal) =>
      new Promise((resolve, reject) => {
        paused.respond = () => resolve({ value: { userId, status: "available", version: 1 }, ageSeconds: 0 });
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        paused.arrived?.(signal);
      }),
  };
  return { store, arrival, respond: () => paused.respond?.() };
}

test("responds over a socket, on a free port", async () => {
  const { origin } = await listeningGateway(await sampleAvailabilityService());
  expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const response = await fetchChecked(`${origin}/v1/users/123/availability`);
  expect(response.status).toBe(200);
  await expect(response.json()).resolves.toMatchObject({ userId: 123, status: "available" });
});

test("sends Content-Length", async () => {
  const { origin } = await listeningGateway(await sampleAvailabilityService());
  const response = await fetchChecked(`${origin}/embed.js`);
  expect(response.headers.get("Content-Length")).toBe(String(TEST_BUILD["embed.js"].length));
  await expect(response.text()).resolves.toBe(TEST_BUILD["embed.js"]);
});

test("responds to a health check without a Host header", async () => {
  const { origin } = await listeningGateway(await sampleAvailabilityService());
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  socket.write("GET /healthz HTTP/1.0\r\n\r\n");
  const [data] = await once(socket, "data");
  expect(String(data)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test("aborts the store's read when the client disconnects, and reports no defect", async () => {
  const { store, arrival } = pausedStore();
  const { origin, defects } = await listeningGateway(store);
  const client = new AbortController();
  const pending = fetchChecked(`${origin}/v1/users/123/availability`, { signal: client.signal });
  const signal = await arrival;
  expect(signal.aborted).toBe(false);
  client.abort();
  await expect(pending).rejects.toThrow();
  if (!signal.aborted) await once(signal, "abort");
  expect(signal.aborted).toBe(true);
  expect(defects).toEqual([]);
});

test("responds to requests in flight before it closes, then closes every connection", async () => {
  const { store, arrival, respond } = pausedStore();
  const { origin, close } = await listeningGateway(store);
  const pending = fetchChecked(`${origin}/v1/users/123/availability`);
  await arrival;
  const closing = close();
  respond();
  await expect((await pending).json()).resolves.toMatchObject({ userId: 123 });
  await closing;
  await expect(fetch(origin)).rejects.toThrow();
});

test.each([
  ["has received a response", "GET /healthz HTTP/1.1\r\nHost: gateway.test\r\n\r\n"],
  ["has not sent a request yet", ""],
])("closes a connection at once that %s", async (_what, text) => {
  const { origin, close } = await listeningGateway(await sampleAvailabilityService());
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  const ended = once(socket, "close");
  await once(socket, "connect");
  socket.write(text);
  if (text) await once(socket, "data");
  await close();
  await ended;
});

test("reports which port is in use", async () => {
  const { origin } = await listeningGateway(await sampleAvailabilityService());
  const { port } = new URL(origin);
  const second = listeningGateway(await sampleAvailabilityService(), { GATEWAY_PORT: port });
  await expect(second).rejects.toThrow(ListenError);
  await expect(second).rejects.toThrow(
    `Port ${port} of 127.0.0.1 is in use: stop what uses it, or set another, for example GATEWAY_PORT=4101`,
  );
});

test("reports why it cannot listen on another machine's address", async () => {
  const elsewhere = listeningGateway(await sampleAvailabilityService(), { GATEWAY_HOST: "192.0.2.1" });
  await expect(elsewhere).rejects.toThrow(/^Cannot listen on port 0 of 192\.0\.2\.1, .*EADDRNOTAVAIL/);
});
