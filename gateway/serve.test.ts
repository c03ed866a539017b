import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test, vi } from "vitest";
import type { AvailabilityService } from "./availability-service.ts";
import { ListenError } from "./operations/lifecycle/listen.ts";
import { type RunningGateway, serveGateway } from "./serve.ts";
import { readSettings } from "./settings/settings.ts";
import { createStreamHub } from "./stream/stream-hub.ts";
import { TEST_BUILD, TEST_FILES } from "./test/test-build.ts";
import {
  fetchChecked,
  sampleAvailabilityService,
  testCustomers,
  throwDefect,
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

test.each([
  [undefined, 65],
  ["620", 620],
])(
  "with KEEP_ALIVE_SECONDS=%s says to the load balancer that it keeps an idle connection for %d s",
  async (text, seconds) => {
    const environment = text === undefined ? {} : { KEEP_ALIVE_SECONDS: text };
    const { origin } = await listeningGateway(await sampleAvailabilityService(), environment);
    const response = await fetchChecked(`${origin}/healthz`);
    expect(response.headers.get("Keep-Alive")).toBe(`timeout=${seconds}`);
    await response.body?.cancel();
  },
);

test("closes an idle connection after KEEP_ALIVE_SECONDS", async () => {
  const { origin } = await listeningGateway(await sampleAvailabilityService(), { KEEP_ALIVE_SECONDS: "1" });
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.resume().write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "end");
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

/** Polls until the expectation holds, on a busy machine too. */
const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 20_000 });

const AVAILABILITY_REQUEST = "GET /v1/users/123/availability HTTP/1.1\r\nHost: gateway.test\r\n\r\n";
const HEALTH_REQUEST = "GET /healthz HTTP/1.1\r\nHost: gateway.test\r\n\r\n";

test("responds to the requests that wait on a connection before it closes", async () => {
  const { store, arrival, respond } = pausedStore();
  const { origin, close } = await listeningGateway(store);
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  const responses = text(socket);
  socket.write(AVAILABILITY_REQUEST + HEALTH_REQUEST);
  await arrival;
  const closing = close();
  respond();
  await closing;
  const bodies = (await responses).split("HTTP/1.1 200 OK").map((response) => response.split("\r\n\r\n")[1]);
  expect(bodies).toEqual([undefined, '{"userId":123,"status":"available","version":1}', '{"status":"ok"}']);
});

test("closes unused connections at once after a client has disconnected whose requests waited", async () => {
  const { store, arrival } = pausedStore();
  const { origin, close } = await listeningGateway(store);
  const port = Number(new URL(origin).port);
  const client = connect(port, "127.0.0.1");
  client.write(AVAILABILITY_REQUEST + HEALTH_REQUEST);
  const signal = await arrival;
  client.destroy();
  await eventually(() => signal.aborted).toBe(true);
  const unused = connect(port, "127.0.0.1");
  const ended = once(unused.resume(), "close");
  await once(unused, "connect");
  // Time stands still: the gateway does not come to destroy what is still open after the time of grace.
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  await close();
  await ended;
});

test("closes every stream of a client that has pipelined them and disconnects", async () => {
  let openStreams = 0;
  const onStream = () => {
    openStreams += 1;
    return () => {
      openStreams -= 1;
    };
  };
  const streams = createStreamHub({ observer: { onStream, onSubscriberDropped: () => {}, onFanOut: () => {} } });
  const customers = await testCustomers({ availabilities: await sampleAvailabilityService() });
  const { origin, close } = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    { customers, files: TEST_FILES, streams, onDefect: throwDefect },
  );
  onTestFinished(close);
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  const request = "GET /v1/availabilities/stream HTTP/1.1\r\nHost: gateway.test\r\n\r\n";
  socket.write(request.repeat(3));
  await once(socket, "data");
  expect([openStreams, streams.count()]).toEqual([1, 1]);
  socket.destroy();
  await eventually(() => openStreams).toBe(0);
  expect(streams.count()).toBe(0);
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
