import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Caller } from "../../auth/caller.ts";
import type { AvailabilityService } from "../../availability-service.ts";
import type { Customer } from "../../customer.ts";
import { serveGateway } from "../../serve.ts";
import { createStreamHub } from "../../stream/stream-hub.ts";
import { TEST_FILES } from "../../test/test-build.ts";
import { testCustomers, unusedAvailabilityService } from "../../test/test-gateway.ts";
import type { UpstreamContext } from "../../upstream/upstream.ts";
import { createReadiness } from "../lifecycle/readiness.ts";
import { createTrustedProxies } from "../limits/client-address.ts";
import { createRateLimits } from "../limits/rate-limits.ts";
import type { Log, RequestRecord } from "../logging/log.ts";
import { createMetrics } from "./metrics.ts";

/** Three requests at once. */
const LIMITS = { requestsPerMinutePerSubject: 18, requestsPerMinute: 1000, streams: 10, streamsPerSubject: 2 };

/** Starts a gateway with observability, whose log is recorded. */
async function setUp(parts: Partial<Customer> = {}, limits: Partial<typeof LIMITS> = {}) {
  const requests: RequestRecord[] = [];
  const defects: unknown[] = [];
  const log: Log = {
    line() {},
    warning() {},
    error() {},
    request: (record) => void requests.push(record),
    defect: (error, request) => void defects.push([error, request]),
    flush: () => Promise.resolve(),
  };
  const healthSources = {
    isStoreReady: () => true,
    replicaSize: () => ({ customers: 1, agents: 5, removedAgents: 2 }),
    historySize: () => ({ entries: 7, bytes: 2_170 }),
    customers: () => [],
  };
  const metrics = createMetrics();
  metrics.watch(healthSources);
  const observability = {
    log,
    metrics,
    servesMetrics: true,
    readiness: createReadiness({ healthSources, staleLimitSeconds: 60 }),
    rateLimits: createRateLimits(new Map([["demo", { ...LIMITS, ...limits }]])),
    trustedProxies: createTrustedProxies(["127.0.0.1"]) ?? { includes: () => false },
  };
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    {
      customers: await testCustomers(parts),
      files: TEST_FILES,
      onDefect: log.defect,
      streams: createStreamHub({ observer: metrics }),
      observability,
    },
  );
  onTestFinished(gateway.close);
  const countOf = async (metric: string) =>
    Number(
      (await metrics.read()).body
        .split("\n")
        .find((line) => line.startsWith(`${metric} `))
        ?.slice(metric.length + 1) ?? 0,
    );
  return { origin: gateway.origin, requests, defects, countOf };
}

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

test("logs a request by its route's pattern, without its path, query and headers", async () => {
  const { origin, requests } = await setUp();
  const response = await fetch(`${origin}/v1/users/123/availability?token=secret`, {
    headers: {
      Cookie: "session=secret",
      "X-Request-Id": "given-1",
      traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
    },
  });
  await response.text();
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  expect(response.headers.get("X-Request-Id")).toBe("given-1");
  expect(requests[0]).toEqual({
    requestId: "given-1",
    traceId: TRACE_ID,
    customer: "demo",
    method: "GET",
    route: "/v1/users/:userId/availability",
    status: 200,
    durationMs: expect.any(Number),
  });
});

test("hands a change's trace on to the upstream", async () => {
  const scopes: UpstreamContext[] = [];
  const availabilities: AvailabilityService = {
    ...unusedAvailabilityService(),
    setStatus: async ({ userId, status }, scope) => {
      scopes.push(scope);
      return { userId, status, version: 1 };
    },
  };
  const operator: Caller = {
    subject: "operator",
    scopes: new Set(["availability:write"]),

    endsAtMs: Number.POSITIVE_INFINITY,
  };
  const access = { verify: () => Promise.resolve(operator), anonymousReads: false };
  const { origin, requests } = await setUp({ availabilities, access });
  const response = await fetch(`${origin}/v1/users/123/availability`, {
    method: "PUT",
    headers: {
      Authorization: "Bearer a.b.c",
      "Content-Type": "application/json",
      traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
      tracestate: "congo=t61rcWkgMzE",
    },
    body: JSON.stringify({ status: "available" }),
  });
  expect(response.status).toBe(200);
  expect(scopes[0]?.traceparent).toBe(`00-${TRACE_ID}-00f067aa0ba902b7-01`);
  expect(scopes[0]?.tracestate).toBe("congo=t61rcWkgMzE");
  await vi.waitFor(() => expect(requests[0]).toMatchObject({ method: "PUT", traceId: TRACE_ID }));
});

test.each([
  ["/c/demo/v1/users/123/availability", "/v1/users/:userId/availability", "demo"],
  ["/c/demo/embed.js", "/embed.js", "demo"],
  ["/c/nobody/embed.js", "/embed.js", undefined],
  ["/healthz", "/healthz", undefined],
  ["/secret/path", "none", "demo"],
  ["/c/nobody/secret/path", "none", undefined],
])("matches %s to the route %s", async (path, route, customer) => {
  const { origin, requests } = await setUp();
  await (await fetch(origin + path)).text();
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  expect(requests[0]).toMatchObject({ route });
  expect(requests[0]?.customer).toBe(customer);
});

test("counts requests by route, method, status and customer, and their durations", async () => {
  const { origin, countOf } = await setUp();
  for (const userId of [123, 123, 404404]) await (await fetch(`${origin}/v1/users/${userId}/availability`)).text();
  const labels = 'route="/v1/users/:userId/availability",method="GET"';
  expect(await countOf(`gateway_requests_total{${labels},customer="demo",status="2xx"}`)).toBe(2);
  expect(await countOf(`gateway_requests_total{${labels},customer="demo",status="4xx"}`)).toBe(1);
  expect(await countOf(`gateway_request_duration_seconds_count{${labels}}`)).toBe(3);
});

test("uses no names from clients as labels", async () => {
  const { origin } = await setUp();
  await fetch(`${origin}/made/up`, { method: "PROPFIND" });
  await fetch(`${origin}/c/made-up/v1/users/1/availability`, { headers: { "X-Request-Id": "made-up" } });
  expect(await (await fetch(`${origin}/metrics`)).text()).not.toMatch(/made|PROPFIND/);
});

test("logs a defect with the id that the client received", async () => {
  const error = new Error("broken");
  const broken: AvailabilityService = { ...unusedAvailabilityService(), read: () => Promise.reject(error) };
  const { origin, defects } = await setUp({ availabilities: broken });
  const response = await fetch(`${origin}/v1/users/123/availability`);
  expect(response.status).toBe(500);
  const requestId = response.headers.get("X-Request-Id");
  expect(defects).toEqual([[error, { requestId, traceId: expect.stringMatching(/^[\da-f]{32}$/) }]]);
});

async function openStream(origin: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  const request = get(`${origin}/v1/availabilities/stream`, { headers });
  onTestFinished(() => void request.destroy());
  const [response]: IncomingMessage[] = await once(request, "response");
  if (!response) throw new Error("There was no response");
  // The test closes the connection.
  response.on("error", () => {}).resume();
  return response;
}

test("logs a stream when it ends, and measures the time to its start", async () => {
  const { origin, requests, countOf } = await setUp();
  const response = await openStream(origin);
  expect(await countOf('gateway_streams_open{customer="demo"}')).toBe(1);
  const labels = 'route="/v1/availabilities/stream",method="GET"';
  await vi.waitFor(async () => expect(await countOf(`gateway_request_duration_seconds_count{${labels}}`)).toBe(1));
  expect(requests).toEqual([]);
  response.destroy();
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  expect(requests[0]).toMatchObject({ route: "/v1/availabilities/stream", status: 200, aborted: true });
  expect(await countOf('gateway_streams_open{customer="demo"}')).toBe(0);
});

test("rejects a client's requests over its limit, with the time to wait, and serves the next client", async () => {
  const { origin, countOf } = await setUp();
  const send = (address: string) =>
    fetch(`${origin}/v1/users/123/availability`, { headers: { "X-Forwarded-For": `203.0.113.1, ${address}` } });
  for (let count = 0; count < 3; count += 1) expect((await send("198.51.100.1")).status).toBe(200);
  const rejected = await send("198.51.100.1");
  expect(rejected.status).toBe(429);
  expect(Number(rejected.headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(rejected.headers.get("Content-Type")).toBe("application/problem+json");
  await expect(rejected.json()).resolves.toMatchObject({
    detail: "At most 18 requests a minute are allowed for one subject, with all its tokens, at each gateway",
  });
  expect((await send("198.51.100.2")).status).toBe(200);
  expect(await countOf('gateway_requests_limited_total{customer="demo",limit="subject"}')).toBe(1);
});

test("limits only routes behind tokens, so that a page still loads", async () => {
  const { origin } = await setUp();
  for (let count = 0; count < 10; count += 1) expect((await fetch(`${origin}/embed.js`)).status).toBe(200);
});

test("limits a client's open streams until a stream is closed", async () => {
  const { origin } = await setUp({}, { requestsPerMinutePerSubject: 1000 });
  const open = (host: number) => openStream(origin, { "X-Forwarded-For": `2001:db8::${host}` });
  const first = await open(1);
  expect((await open(2)).statusCode).toBe(200);
  const third = await open(3);
  expect([third.statusCode, third.headers["retry-after"]]).toEqual([429, "10"]);
  first.destroy();
  await vi.waitFor(async () => expect((await open(4)).statusCode).toBe(200));
});

test("counts its connections", async () => {
  const { origin, countOf } = await setUp();
  await (await fetch(`${origin}/healthz`)).text();
  expect(await countOf("gateway_connections_open")).toBe(1);
});

/** Access whose verification waits until the test resumes it. */
function pausedAccess() {
  const caller: Caller = { subject: 123, scopes: new Set(["availability:read"]), endsAtMs: Infinity };
  const pending: (() => void)[] = [];
  const verify = () => new Promise<Caller>((resolve) => void pending.push(() => resolve(caller)));
  return { access: { verify, anonymousReads: false }, pending };
}

test("logs a request whose client left before the response, and no longer counts it as in flight", async () => {
  const { access, pending } = pausedAccess();
  const { origin, requests, countOf } = await setUp({ access });
  const request = get(`${origin}/v1/users/123/availability`, { headers: { Authorization: "Bearer a.b.c" } });
  request.on("error", () => {});
  await vi.waitFor(() => expect(pending).toHaveLength(1));
  request.destroy();
  await vi.waitFor(async () => expect(await countOf("gateway_connections_open")).toBe(0));
  for (const resume of pending) resume();
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  expect(requests[0]).toMatchObject({ route: "/v1/users/:userId/availability", aborted: true });
  expect(await countOf("gateway_requests_in_flight")).toBe(0);
});

test("frees the places of streams whose subscribers left before the start", async () => {
  const { access, pending } = pausedAccess();
  const { origin, requests, countOf } = await setUp({ access });
  const headers = { Authorization: "Bearer a.b.c" };
  for (let count = 0; count < 2; count += 1) {
    const request = get(`${origin}/v1/availabilities/stream`, { headers });
    request.on("error", () => {});
    await vi.waitFor(() => expect(pending).toHaveLength(count + 1));
    request.destroy();
  }
  await vi.waitFor(async () => expect(await countOf("gateway_connections_open")).toBe(0));
  for (const resume of pending) resume();
  await vi.waitFor(() => expect(requests).toHaveLength(2));
  const opening = openStream(origin, headers);
  await vi.waitFor(() => expect(pending).toHaveLength(3));
  pending[2]?.();
  expect((await opening).statusCode).toBe(200);
  expect(await countOf('gateway_streams_open{customer="demo"}')).toBe(1);
});
