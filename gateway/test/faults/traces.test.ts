/** Traces, metrics and the audit of a gateway as a process, with a collector of traces, Redis and a telephony system. */
import { expect, onTestFinished, test } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { type OtlpCollector, type ReceivedSpan, startOtlpCollector } from "../otlp-collector.ts";
import { hasRedisServer, startRedisServer } from "../redis-server.ts";
import { writeCustomersFile } from "./customers-file.ts";
import { startFakeUpstream } from "./fake-upstream-process.ts";
import { type GatewayProcess, startGateway } from "./gateway-process.ts";

const testOverProcesses = test.skipIf(!hasRedisServer);

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const SAMPLED = { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`, tracestate: "congo=t61rcWkgMzE" };

const READ = "GET /v1/users/:userId/availability";
const CHANGE = "PUT /v1/users/:userId/availability";

interface Call {
  readonly method?: "GET" | "PUT";
  readonly customer: "acme" | "globex";
  readonly userId: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts a gateway over Redis, with acme in the store alone and globex with a telephony system of three agents. */
async function setUp(environment: (collector: OtlpCollector) => Readonly<Record<string, string>>) {
  const collector = await startOtlpCollector();
  const upstream = await startFakeUpstream(3);
  const customers = await writeCustomersFile({ globex: { upstream: upstream.settings() } });
  const redis = await startRedisServer();
  onTestFinished(redis.remove);
  const adminPort = await findFreePort();
  const gateway = await startGateway({
    environment: {
      ...customers.environment,
      ...upstream.environment,
      REDIS_URL: redis.url,
      LOG_LEVEL: "info",
      GATEWAY_ADMIN_PORT: `${adminPort}`,
      ...environment(collector),
    },
  });
  const tokens = { acme: await customers.token("acme"), globex: await customers.token("globex") };

  async function call({ method = "GET", customer, userId, headers = {} }: Call): Promise<number> {
    const response = await fetch(`${gateway.origin}/c/${customer}/v1/users/${userId}/availability`, {
      method,
      headers: { Authorization: `Bearer ${tokens[customer]}`, "Content-Type": "application/json", ...headers },
      ...(method === "PUT" && { body: JSON.stringify({ status: "do_not_disturb" }) }),
    });
    await response.text();
    return response.status;
  }

  await expect.poll(() => call({ customer: "globex", userId: 1 })).toBe(200);
  await expect.poll(() => call({ method: "PUT", customer: "acme", userId: 1 })).toBe(201);
  return { collector, upstream, redis, gateway, call, tokens, metrics: () => readMetrics(adminPort) };
}

async function readMetrics(adminPort: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
}

const toCollector = ({ origin }: OtlpCollector) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: origin,
  OTEL_BSP_SCHEDULE_DELAY: "50",
  OTEL_SERVICE_NAME: "gateway-of-acme",
  OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=staging",
});

const inTrace = ({ spans }: OtlpCollector) => spans.filter(({ traceId }) => traceId === TRACE_ID);

const named = (spans: readonly ReceivedSpan[], name: string) => spans.find((span) => span.name === name);

/** Lines of the log with a message that begins with the text. */
function linesOf(gateway: GatewayProcess, text: string): readonly Readonly<Record<string, unknown>>[] {
  return gateway
    .lines()
    .filter((line) => line.startsWith("{"))
    .map((line): Readonly<Record<string, unknown>> => JSON.parse(line))
    .filter(({ msg }) => typeof msg === "string" && msg.startsWith(text));
}

testOverProcesses("exports a change's way to the telephony system and to Redis in the trace of its page", async () => {
  const { collector, upstream, call, tokens } = await setUp(toCollector);
  expect(await call({ method: "PUT", customer: "globex", userId: 2, headers: SAMPLED })).toBe(200);
  await expect.poll(() => inTrace(collector).map(({ name }) => name)).toContain(CHANGE);
  const spans = inTrace(collector);
  const [change, set, read] = [named(spans, CHANGE), named(spans, "upstream set"), named(spans, "upstream read")];
  expect(change).toMatchObject({
    parentSpanId: PARENT_ID,
    traceState: "congo=t61rcWkgMzE",
    kind: 2,
    attributes: { "http.response.status_code": 200, "gateway.customer": "globex" },
    resource: { "service.name": "gateway-of-acme", "deployment.environment.name": "staging" },
  });
  for (const child of [set, read])
    expect(child).toMatchObject({ parentSpanId: change?.spanId, kind: 3, isError: false });
  const scripts = spans.filter(({ attributes }) => attributes["db.system.name"] === "redis");
  expect(scripts.length).toBeGreaterThan(0);
  expect(new Set(scripts.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([change?.spanId]));
  // The telephony system gets the span of its own call.
  const sent = (await upstream.requests()).filter(({ traceparent }) => traceparent?.includes(TRACE_ID));
  expect(sent.map(({ traceparent, tracestate }) => [traceparent, tracestate])).toEqual(
    [set, read].map((span) => [`00-${TRACE_ID}-${span?.spanId}-01`, "congo=t61rcWkgMzE"]),
  );
  const received = Buffer.concat(collector.bodies).toString("latin1");
  for (const secret of [tokens.globex, "do_not_disturb", "fake-token", "/c/globex"])
    expect(received).not.toContain(secret);
});

testOverProcesses("exports each read, and the log has the same trace", async () => {
  const { collector, gateway, call } = await setUp(toCollector);
  expect(await call({ customer: "acme", userId: 1, headers: { ...SAMPLED, "X-Request-Id": "read-1" } })).toBe(200);
  await expect.poll(() => named(inTrace(collector), READ)?.attributes["gateway.request_id"]).toBe("read-1");
  await expect
    .poll(() => linesOf(gateway, "request").filter(({ requestId }) => requestId === "read-1"))
    .toHaveLength(1);
  expect(linesOf(gateway, "request").find(({ requestId }) => requestId === "read-1")).toMatchObject({
    traceId: TRACE_ID,
  });
});

testOverProcesses.each([
  ["the page does not record", toCollector, { traceparent: `00-${TRACE_ID}-${PARENT_ID}-00` }],
  [
    "the sampler leaves out",
    (collector: OtlpCollector) => ({ ...toCollector(collector), OTEL_TRACES_SAMPLER: "always_off" }),
    SAMPLED,
  ],
])("exports no span of a request that %s, and hands its trace on", async (_who, environment, headers) => {
  const { collector, upstream, call } = await setUp(environment);
  expect(await call({ method: "PUT", customer: "globex", userId: 2, headers })).toBe(200);
  expect(
    await call({ customer: "acme", userId: 1, headers: { traceparent: `00-${"1".repeat(32)}-${PARENT_ID}-01` } }),
  ).toBe(200);
  expect(inTrace(collector)).toEqual([]);
  const sent = (await upstream.requests()).filter(({ traceparent }) => traceparent?.includes(TRACE_ID));
  expect(sent.length).toBeGreaterThan(0);
});

testOverProcesses.each([
  ["no collector is configured", () => ({})],
  ["traces are turned off", (collector: OtlpCollector) => ({ ...toCollector(collector), OTEL_SDK_DISABLED: "true" })],
])("exports nothing if %s, and hands the page's trace on", async (_reason, environment) => {
  const { collector, upstream, gateway, call } = await setUp(environment);
  expect(await call({ method: "PUT", customer: "globex", userId: 2, headers: SAMPLED })).toBe(200);
  expect((await upstream.requests()).map(({ traceparent }) => traceparent)).toContain(SAMPLED.traceparent);
  expect(await gateway.terminate()).toMatchObject({ exitCode: 0 });
  expect(collector.requestCount()).toBe(0);
});

testOverProcesses("exports the last spans when it stops", async () => {
  const environment = (collector: OtlpCollector) => ({ ...toCollector(collector), OTEL_BSP_SCHEDULE_DELAY: "600000" });
  const { collector, gateway, call } = await setUp(environment);
  await call({ customer: "acme", userId: 1, headers: SAMPLED });
  expect(inTrace(collector)).toEqual([]);
  expect(await gateway.terminate()).toMatchObject({ exitCode: 0 });
  expect(named(inTrace(collector), READ)).toBeDefined();
});

testOverProcesses("a collector that fails affects no request, and makes one warning", async () => {
  const { collector, gateway, call, metrics } = await setUp(toCollector);
  await expect.poll(() => collector.spans.length).toBeGreaterThan(0);
  collector.status = 400;
  const failures = collector.requestCount();
  for (let count = 0; count < 20; count += 1) {
    expect(await call({ customer: "acme", userId: 1, headers: SAMPLED })).toBe(200);
    expect(await call({ method: "PUT", customer: "acme", userId: 1, headers: SAMPLED })).toBe(200);
  }
  await expect.poll(() => collector.requestCount()).toBeGreaterThan(failures + 1);
  await expect.poll(async () => /^gateway_spans_lost_total (\d+)$/m.exec(await metrics())?.[1]).not.toBe("0");
  await expect.poll(() => linesOf(gateway, "Spans cannot be exported")).toHaveLength(1);
  collector.status = 200;
  await call({ customer: "acme", userId: 1, headers: SAMPLED });
  await expect.poll(() => linesOf(gateway, "Spans are exported again")).toHaveLength(1);
  expect(linesOf(gateway, "Spans cannot be exported")).toHaveLength(1);
  expect(await gateway.terminate()).toMatchObject({ exitCode: 0 });
});

testOverProcesses("a collector that is away affects neither the start, nor requests, nor the end", async () => {
  const port = await findFreePort();
  const { gateway, call } = await setUp((collector) => ({
    ...toCollector(collector),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: "500",
  }));
  expect(await call({ customer: "acme", userId: 1, headers: SAMPLED })).toBe(200);
  await expect.poll(() => linesOf(gateway, "Spans cannot be exported")).toMatchObject([{ level: "warn" }]);
  expect(await gateway.terminate()).toMatchObject({ exitCode: 0 });
});

testOverProcesses("counts calls of Redis and of the telephony system, refusals and what is in memory", async () => {
  const { call, metrics, gateway } = await setUp(() => ({}));
  expect(await call({ method: "PUT", customer: "globex", userId: 2 })).toBe(200);
  expect(await call({ customer: "acme", userId: 1, headers: { Authorization: "Bearer a.b.c" } })).toBe(401);
  await fetch(`${gateway.origin}/c/globex/v1/upstream/webhook`, { method: "POST", body: "{}" });
  const text = await metrics();
  for (const line of [
    /^gateway_upstream_requests_total\{customer="globex",operation="list",result="ok"\} [1-9]/m,
    /^gateway_upstream_requests_total\{customer="globex",operation="set",result="ok"\} 1$/m,
    /^gateway_redis_command_duration_seconds_count\{command="\w+",result="ok"\} [1-9]/m,
    /^gateway_redis_connections_total 1$/m,
    /^gateway_requests_unauthorized_total\{customer="acme",reason="malformed"\} 1$/m,
    /^gateway_webhooks_total\{customer="globex",result="rejected"\} 1$/m,
    /^gateway_polled_customers 1$/m,
    /^gateway_loaded_customers 2$/m,
    /^gateway_loaded_agents 4$/m,
    /^gateway_feed_lag_seconds_count [1-9]/m,
    /^gateway_spans_lost_total 0$/m,
  ]) {
    expect(text).toMatch(line);
  }
});

testOverProcesses("says who has changed an agent at a level that leaves out requests", async () => {
  const { gateway, call } = await setUp(() => ({ LOG_LEVEL: "warn" }));
  expect(await call({ method: "PUT", customer: "globex", userId: 2, headers: { "X-Request-Id": "change-1" } })).toBe(
    200,
  );
  await expect
    .poll(() => linesOf(gateway, "audit").filter(({ requestId }) => requestId === "change-1"))
    .toMatchObject([
      {
        customer: "globex",
        subject: "operator",
        userId: 2,
        from: "available",
        requested: "do_not_disturb",
        status: 200,
      },
    ]);
  expect(linesOf(gateway, "request")).toEqual([]);
});

testOverProcesses("a Redis that cannot be reached at the start is a warning", async () => {
  const customers = await writeCustomersFile();
  const port = await findFreePort();
  const gateway = await startGateway({
    environment: { ...customers.environment, REDIS_URL: `redis://127.0.0.1:${port}` },
  });
  await expect.poll(() => linesOf(gateway, "Redis cannot be reached")).toMatchObject([{ level: "warn" }]);
});
