import { type OutgoingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createTokenVerifier } from "../auth/verify-token.ts";
import type { AvailabilityService } from "../availability-service.ts";
import { type Customer, createCustomers } from "../customer.ts";
import { createReadiness } from "../operations/lifecycle/readiness.ts";
import { createRateLimits } from "../operations/limits/rate-limits.ts";
import type { Log, RequestRecord } from "../operations/logging/log.ts";
import { createMetrics } from "../operations/metrics/metrics.ts";
import { serveGateway } from "../serve.ts";
import { type CustomerLimits, UNLIMITED } from "../settings/customer-settings.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { TEST_FILES } from "../test/test-build.ts";
import { availabilityServiceOver, unusedAvailabilityService } from "../test/test-gateway.ts";
import { CLAIMS, mint, NOW_MS, SECRET_SETTINGS } from "../test/test-tokens.ts";

const clock = { wallMs: () => NOW_MS, monotonicMs: () => 1 };
const PATH = "/v1/users/123/availability";

interface Parts {
  readonly availabilities?: AvailabilityService;
  readonly limits?: CustomerLimits;
  /** False if the gateway caches no tokens. The fast path needs a cached token. */
  readonly cachesTokens?: boolean;
}

async function storedAvailabilities(): Promise<AvailabilityService> {
  const store = createMemoryStore({ clock }).forCustomer("acme");
  await store.set(123, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 5 } });
  await store.set(Number.MAX_SAFE_INTEGER, { status: "in_call" });
  const availabilities = availabilityServiceOver(store, clock);
  // The fast path needs a loaded replica.
  await availabilities.open(new AbortController().signal);
  return availabilities;
}

/** Starts a gateway for `acme` with a token in its cache. */
async function setUp({ availabilities, limits = UNLIMITED, cachesTokens = true }: Parts = {}) {
  const verify = createTokenVerifier(SECRET_SETTINGS, "acme", { clock });
  await verify(await mint());
  const acme: Customer = {
    id: "acme",
    allowedOrigins: ["https://crm.acme.example"],
    availabilities: availabilities ?? (await storedAvailabilities()),
    access: { verify: cachesTokens ? verify : (token) => verify(token), anonymousReads: false },
  };
  const records: RequestRecord[] = [];
  const metrics = createMetrics();
  const log: Log = {
    line() {},
    warning() {},
    request: (record) => void records.push(record),
    defect(error) {
      throw error;
    },
    flush: () => Promise.resolve(),
  };
  const healthSources = {
    isStoreReady: () => true,
    historySize: () => ({ entries: 7, bytes: 2_170 }),
    customers: () => [],
  };
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    {
      customers: createCustomers([acme], "acme"),
      files: TEST_FILES,
      onDefect: log.defect,
      observability: {
        log,
        metrics,
        servesMetrics: false,
        readiness: createReadiness({ healthSources, staleLimitSeconds: 60 }),
        rateLimits: createRateLimits(new Map([["acme", limits]])),
        trustedProxies: { includes: () => false },
      },
    },
  );
  onTestFinished(gateway.close);
  return {
    origin: gateway.origin,
    send: (testRequest: TestRequest) => send(gateway.origin, testRequest),
    records,
    metrics,
  };
}

interface TestRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** Sends a request and returns the response without its variable parts. */
async function send(origin: string, { method = "GET", path = PATH, headers = {}, body = "" }: TestRequest) {
  const sent = request(`${origin}/`, { method, path, headers });
  const received = new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    sent.on("response", resolve).on("error", reject);
  });
  sent.end(body);
  const response = await received;
  const { date, "x-request-id": requestId, ...shown } = response.headers;
  const hasIdentity = date !== undefined && requestId !== undefined;
  return { status: response.statusCode, headers: shown, hasIdentity, body: await text(response) };
}

const bearer = async () => ({ Authorization: `Bearer ${await mint()}` });

test("responds to a read with a cached token without calling the app", async () => {
  const stored = await storedAvailabilities();
  const getCached = stored.getCached ?? (() => undefined);
  const direct = await setUp({ availabilities: { ...unusedAvailabilityService(), getCached } });
  const response = await direct.send({ headers: await bearer() });
  expect(response.status).toBe(200);
  expect(JSON.parse(response.body)).toMatchObject({ userId: 123, status: "available", wrapUpTimeTtl: 5 });
});

test("responds to every request exactly as the app does", async () => {
  const direct = await setUp();
  const app = await setUp({ cachesTokens: false });
  const token = await mint();
  const etag = `"${NOW_MS}"`;
  const requestArbitrary = fc.record({
    method: fc.constantFrom("GET", "GET", "GET", "HEAD", "PUT", "DELETE"),
    path: fc.oneof(
      fc.constantFrom(PATH, PATH, PATH, `/c/acme${PATH}`, `/c/globex${PATH}`, `/c/Acme${PATH}`, `/c/${PATH}`),
      fc.constantFrom(`${PATH}?`, `${PATH}?x=1`, `${PATH}/`, `/.${PATH}`, `/${PATH}`, "/v1/users/%3123/availability"),
      fc
        .constantFrom("0123", "0", "124", "1e2", "9007199254740991", "9007199254740992", "9007199254740993")
        .map((id) => `/v1/users/${id}/availability`),
    ),
    headers: fc.record(
      {
        Authorization: fc.oneof(
          fc.constant(`Bearer ${token}`),
          fc.constantFrom(`bearer ${token}`, `Bearer  ${token}`, `Bearer ${token} `, `Bearer ${token}x`, "Basic x", ""),
        ),
        "If-None-Match": fc.constantFrom(etag, `W/${etag}`, `"1", ${etag}`, "*", '"1"', ""),
        Host: fc.constantFrom(
          "127.0.0.1",
          "crm.example.com:80",
          "CRM.example.com",
          "[::1]:80",
          "a b",
          "a/b",
          "999.9.9.9",
        ),
        "X-Request-Id": fc.constantFrom("known", "not known", ""),
        "Content-Length": fc.constant("0"),
        Expect: fc.constantFrom("something"),
      },
      { requiredKeys: ["Authorization"] },
    ),
  });
  await fc.assert(
    fc.asyncProperty(requestArbitrary, async (testRequest) => {
      expect(await direct.send(testRequest)).toEqual(await app.send(testRequest));
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["without the read scope", { scope: "availability:write" }],
  ["of another customer", { customer: "globex" }],
  ["that has expired", { exp: CLAIMS.exp - 7200 }],
])("responds to a token %s as the app does", async (_which, claims) => {
  const headers = { Authorization: `Bearer ${await mint(claims)}` };
  const responses = [true, false].map(async (cachesTokens) => {
    const { send: sendOnce } = await setUp({ cachesTokens });
    // The second request finds a valid token in the cache.
    return [await sendOnce({ headers }), await sendOnce({ headers })];
  });
  const [direct, app] = await Promise.all(responses);
  expect(direct).toEqual(app);
  expect([401, 403]).toContain(direct?.[1]?.status);
});

test("counts and logs a read as the app does", async () => {
  const seen = [true, false].map(async (cachesTokens) => {
    const { send: sendOnce, records, metrics } = await setUp({ cachesTokens });
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await sendOnce({ path: `/c/acme${PATH}`, headers: { ...(await bearer()), traceparent, "X-Request-Id": "first" } });
    await sendOnce({ headers: { ...(await bearer()), traceparent, "X-Request-Id": "second", "If-None-Match": "*" } });
    const { body } = await metrics.read();
    return {
      records: records.map(({ durationMs, ...record }) => ({ ...record, isTimed: durationMs >= 0 })),
      counted: body.split("\n").filter((line) => /^gateway_requests_|duration_seconds_count/.test(line)),
    };
  });
  const [direct, app] = await Promise.all(seen);
  expect(direct).toEqual(app);
  expect(direct?.records.map(({ requestId, status }) => [requestId, status])).toEqual([
    ["first", 200],
    ["second", 304],
  ]);
});

test("counts a read against the token's limit and rejects the next as the app does", async () => {
  const limits = { ...UNLIMITED, requestsPerMinutePerToken: 2 };
  const responses = [true, false].map(async (cachesTokens) => {
    const { send: sendOnce } = await setUp({ cachesTokens, limits });
    const headers = await bearer();
    return [await sendOnce({ headers }), await sendOnce({ headers }), await sendOnce({ headers })];
  });
  const [direct, app] = await Promise.all(responses);
  expect(direct?.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(direct).toEqual(app);
});

test("responds to pipelined requests in order, from the fast path and from the app", async () => {
  const { origin } = await setUp();
  const { hostname, port } = new URL(origin);
  const { Authorization } = await bearer();
  const paths = fc.sample(fc.constantFrom(PATH, "/healthz", "/v1/users/404/availability"), 300);
  const requests = paths.map((path, index) => {
    const connection = index === paths.length - 1 ? "Connection: close\r\n" : "";
    return `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${Authorization}\r\n${connection}\r\n`;
  });
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(requests.join(""));
  const responses = (await text(socket)).split("HTTP/1.1 ").slice(1);
  const bodies: unknown[] = responses.map((response) => JSON.parse(response.split("\r\n\r\n")[1] ?? ""));
  expect(bodies).toEqual(
    paths.map((path) => {
      if (path === PATH) return expect.objectContaining({ userId: 123 });
      return expect.objectContaining({ status: path === "/healthz" ? "ok" : 404 });
    }),
  );
});
