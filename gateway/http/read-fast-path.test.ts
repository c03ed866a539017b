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
  /** Whether tokens are recalled. Where they are not, nothing is read directly. */
  readonly recalls?: boolean;
}

async function storedAvailabilities(): Promise<AvailabilityService> {
  const store = createMemoryStore({ clock }).forCustomer("acme");
  await store.set(123, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 5 } });
  await store.set(Number.MAX_SAFE_INTEGER, { status: "in_call" });
  const availabilities = availabilityServiceOver(store, clock);
  // They can be read at once when somebody has read them before.
  await availabilities.open(new AbortController().signal);
  return availabilities;
}

/** A gateway for `acme` that has seen a good token before. */
async function setUp({ availabilities, limits = UNLIMITED, recalls = true }: Parts = {}) {
  const verify = createTokenVerifier(SECRET_SETTINGS, "acme", { clock });
  await verify(await mint());
  const acme: Customer = {
    id: "acme",
    allowedOrigins: ["https://crm.acme.example"],
    availabilities: availabilities ?? (await storedAvailabilities()),
    access: { verify: recalls ? verify : (token) => verify(token), anonymousReads: false },
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
  const standings = { isStoreReady: () => true, customers: () => [] };
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    {
      customers: createCustomers([acme], "acme"),
      files: TEST_FILES,
      onDefect: log.defect,
      operation: {
        log,
        metrics,
        servesMetrics: false,
        readiness: createReadiness({ standings, staleLimitSeconds: 60 }),
        trafficLimits: createRateLimits(new Map([["acme", limits]])),
        trustedProxies: { includes: () => false },
      },
    },
  );
  onTestFinished(gateway.close);
  return { origin: gateway.origin, ask: (asked: Asked) => ask(gateway.origin, asked), records, metrics };
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** All that can be seen of an answer, but for what differs each time. */
async function ask(origin: string, { method = "GET", path = PATH, headers = {}, body = "" }: Asked) {
  const sent = request(`${origin}/`, { method, path, headers });
  const answered = new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    sent.on("response", resolve).on("error", reject);
  });
  sent.end(body);
  const answer = await answered;
  const { date, "x-request-id": requestId, ...shown } = answer.headers;
  const hasIdentity = date !== undefined && requestId !== undefined;
  return { status: answer.statusCode, headers: shown, hasIdentity, body: await text(answer) };
}

const bearer = async () => ({ Authorization: `Bearer ${await mint()}` });

test("answers a read with a known token without asking the app", async () => {
  const stored = await storedAvailabilities();
  const peek = stored.peek ?? (() => undefined);
  const direct = await setUp({ availabilities: { ...unusedAvailabilityService(), peek } });
  const answer = await direct.ask({ headers: await bearer() });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toMatchObject({ userId: 123, status: "available", wrapUpTimeTtl: 5 });
});

test("answers all that can be asked for as the app does", async () => {
  const direct = await setUp();
  const app = await setUp({ recalls: false });
  const token = await mint();
  const etag = `"${NOW_MS}"`;
  const asked = fc.record({
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
    fc.asyncProperty(asked, async (one) => {
      expect(await direct.ask(one)).toEqual(await app.ask(one));
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["that may only write", { scope: "availability:write" }],
  ["of another customer", { customer: "globex" }],
  ["that has ended", { exp: CLAIMS.exp - 7200 }],
])("answers a token %s as the app does", async (_which, claims) => {
  const headers = { Authorization: `Bearer ${await mint(claims)}` };
  const answers = [true, false].map(async (recalls) => {
    const { ask: askOnce } = await setUp({ recalls });
    // The second time a good one is remembered.
    return [await askOnce({ headers }), await askOnce({ headers })];
  });
  const [direct, app] = await Promise.all(answers);
  expect(direct).toEqual(app);
  expect([401, 403]).toContain(direct?.[1]?.status);
});

test("counts and logs a read as the app does", async () => {
  const seen = [true, false].map(async (recalls) => {
    const { ask: askOnce, records, metrics } = await setUp({ recalls });
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await askOnce({ path: `/c/acme${PATH}`, headers: { ...(await bearer()), traceparent, "X-Request-Id": "first" } });
    await askOnce({ headers: { ...(await bearer()), traceparent, "X-Request-Id": "second", "If-None-Match": "*" } });
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

test("counts a read against the token's limit and refuses the next as the app does", async () => {
  const limits = { ...UNLIMITED, requestsPerMinutePerToken: 2 };
  const answers = [true, false].map(async (recalls) => {
    const { ask: askOnce } = await setUp({ recalls, limits });
    const headers = await bearer();
    return [await askOnce({ headers }), await askOnce({ headers }), await askOnce({ headers })];
  });
  const [direct, app] = await Promise.all(answers);
  expect(direct?.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(direct).toEqual(app);
});

test("answers requests that come at once over one connection in their order, whoever answers which", async () => {
  const { origin } = await setUp();
  const { hostname, port } = new URL(origin);
  const { Authorization } = await bearer();
  const asked = fc.sample(fc.constantFrom(PATH, "/healthz", "/v1/users/404/availability"), 300);
  const requests = asked.map((path, index) => {
    const connection = index === asked.length - 1 ? "Connection: close\r\n" : "";
    return `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${Authorization}\r\n${connection}\r\n`;
  });
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(requests.join(""));
  const answers = (await text(socket)).split("HTTP/1.1 ").slice(1);
  const bodies: unknown[] = answers.map((answer) => JSON.parse(answer.split("\r\n\r\n")[1] ?? ""));
  expect(bodies).toEqual(
    asked.map((path) => {
      if (path === PATH) return expect.objectContaining({ userId: 123 });
      return expect.objectContaining({ status: path === "/healthz" ? "ok" : 404 });
    }),
  );
});
