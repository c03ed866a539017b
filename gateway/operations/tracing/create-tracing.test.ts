import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect, test } from "vitest";
import { createAvailabilityService } from "../../availability-service.ts";
import type { OutgoingCall } from "../../outgoing-call.ts";
import { createMemoryStore } from "../../store/memory-store.ts";
import { startObservedGateway } from "../../test/observed-gateway.ts";
import { mint, NOW_MS } from "../../test/test-tokens.ts";
import { memoryUpstream } from "../../upstream/memory-upstream.ts";
import { UpstreamError } from "../../upstream/upstream.ts";
import { createTracing } from "./create-tracing.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const SAMPLED = { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`, tracestate: "congo=1" };
const CALL: OutgoingCall = { service: "upstream", operation: "set", customer: "acme" };
const RESPONSE = { requestId: "r1", route: "/v1/x", method: "PUT", status: 200, customer: "acme", isAborted: false };

function setUp() {
  const exporter = new InMemorySpanExporter();
  const tracing = createTracing({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = () => exporter.getFinishedSpans();
  return { tracing, spans, named: (name: string) => spans().find((span) => span.name === name) };
}

function parentOf(span: ReadableSpan | undefined): string | undefined {
  return span?.parentSpanContext?.spanId;
}

test("records a request in the caller's trace, named by method and route", () => {
  const { tracing, spans } = setUp();
  const span = tracing.startRequest(SAMPLED);
  span.end(RESPONSE);
  const [recorded] = spans();
  expect(span.traceId).toBe(TRACE_ID);
  expect(recorded).toMatchObject({
    name: "PUT /v1/x",
    attributes: {
      "http.request.method": "PUT",
      "http.route": "/v1/x",
      "http.response.status_code": 200,
      "gateway.customer": "acme",
      "gateway.request_id": "r1",
    },
  });
  expect(parentOf(recorded)).toBe(PARENT_ID);
  expect(recorded?.status.code).toBe(0);
});

test("a request without a trace begins one, and a status from 500 is an error", () => {
  const { tracing, spans } = setUp();
  const span = tracing.startRequest({});
  span.end({ ...RESPONSE, status: 503 });
  expect(span.traceId).toMatch(/^(?!0{32})[\da-f]{32}$/);
  expect(parentOf(spans()[0])).toBeUndefined();
  expect(spans()[0]?.status.code).toBe(2);
});

test("records a call within a request as its child, and the call gets the headers of its own span", async () => {
  const { tracing, named } = setUp();
  const span = tracing.startRequest(SAMPLED);
  const headers = await span.run(async () => {
    // The call may come any time later in the request.
    await Promise.resolve();
    return tracing.observe(CALL, async (sent) => sent);
  });
  span.end(RESPONSE);
  const [request, call] = [named("PUT /v1/x"), named("upstream set")];
  expect(parentOf(call)).toBe(request?.spanContext().spanId);
  expect(headers).toEqual({
    traceparent: `00-${TRACE_ID}-${call?.spanContext().spanId}-01`,
    tracestate: "congo=1",
  });
});

test("a failed call has the kind of its failure, and not its message", async () => {
  const { tracing, named } = setUp();
  const error = new UpstreamError("secret text of the vendor", { status: 429 });
  const span = tracing.startRequest(SAMPLED);
  await expect(span.run(() => tracing.observe(CALL, () => Promise.reject(error)))).rejects.toBe(error);
  const call = named("upstream set");
  expect(call?.attributes).toEqual({ "gateway.customer": "acme", "error.type": "rate_limited" });
  expect(call?.status).toEqual({ code: 2 });
  expect(call?.events).toEqual([]);
});

test.each([
  [
    "outside of a request",
    async ({ tracing }: ReturnType<typeof setUp>) => tracing.observe(CALL, async (sent) => sent),
  ],
  [
    "after the response",
    async ({ tracing }: ReturnType<typeof setUp>) => {
      const span = tracing.startRequest(SAMPLED);
      span.end(RESPONSE);
      return span.run(() => tracing.observe(CALL, async (sent) => sent));
    },
  ],
  [
    "of a request that the caller does not record",
    async ({ tracing }: ReturnType<typeof setUp>) =>
      tracing
        .startRequest({ traceparent: `00-${TRACE_ID}-${PARENT_ID}-00` })
        .run(() => tracing.observe(CALL, async (sent) => sent)),
  ],
])("records no call %s", async (_when, observe) => {
  const set = setUp();
  expect(await observe(set)).toEqual({});
  expect(set.named("upstream set")).toBeUndefined();
});

test("spans of requests that run at once do not mix", async () => {
  const { tracing, spans } = setUp();
  const requests = ["1", "2", "3"].map((digit) => ({ traceparent: `00-${digit.repeat(32)}-${PARENT_ID}-01` }));
  await Promise.all(
    requests.map(async (headers) => {
      const span = tracing.startRequest(headers);
      await span.run(() => tracing.observe(CALL, () => new Promise((resolve) => setImmediate(resolve))));
      span.end(RESPONSE);
    }),
  );
  const names = (digit: string) =>
    spans()
      .filter((span) => span.spanContext().traceId === digit.repeat(32))
      .map(({ name }) => name);
  for (const digit of ["1", "2", "3"]) expect(names(digit)).toEqual(["upstream set", "PUT /v1/x"]);
});

test.each([
  ["by the fast path", true],
  ["by the app", false],
])("a gateway records each read and change %s, without token, query or body", async (_by, cachesTokens) => {
  const { tracing, spans, named } = setUp();
  const clock = { wallMs: () => NOW_MS, monotonicMs: () => 1 };
  const store = createMemoryStore({ clock }).forCustomer("acme");
  await store.set(123, { status: "available" });
  const acme = createAvailabilityService({ store, upstream: memoryUpstream, staleLimitSeconds: 60, clock });
  await acme.open(new AbortController().signal);
  const token = await mint();
  const { send, records } = await startObservedGateway({ services: { acme }, tokens: [token], cachesTokens, tracing });
  const headers = { Authorization: `Bearer ${token}`, ...SAMPLED };
  await send({ path: "/v1/users/123/availability?secret=1", headers });
  await send({ path: "/v1/users/123/availability", headers });
  await send({
    method: "PUT",
    path: "/v1/users/123/availability",
    headers: { ...headers, "Content-Type": "application/json" },
    body: '{"status":"out_for_lunch"}',
  });
  await expect.poll(() => spans()).toHaveLength(3);
  expect(named("GET /v1/users/:userId/availability")?.spanContext().traceId).toBe(TRACE_ID);
  expect(named("PUT /v1/users/:userId/availability")?.attributes["gateway.customer"]).toBe("acme");
  await expect.poll(() => records.map(({ traceId }) => traceId)).toEqual([TRACE_ID, TRACE_ID, TRACE_ID]);
  expect(JSON.stringify(spans().map(({ name, attributes, events }) => [name, attributes, events]))).not.toMatch(
    /secret|Bearer|eyJ|lunch/,
  );
});
