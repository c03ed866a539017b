import { connect } from "node:net";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import type { AvailabilityService } from "../availability-service.ts";
import { UNLIMITED } from "../settings/customer-settings.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { type ObservedGatewayOptions, startObservedGateway, type TestRequest } from "../test/observed-gateway.ts";
import { availabilityServiceOver, unusedAvailabilityService } from "../test/test-gateway.ts";
import { CLAIMS, mint, NOW_MS } from "../test/test-tokens.ts";

const clock = { wallMs: () => NOW_MS, monotonicMs: () => 1 };
const PATH = "/v1/users/123/availability";

interface Parts extends Pick<ObservedGatewayOptions, "limits" | "cachesTokens"> {
  readonly availabilities?: AvailabilityService;
}

async function storedAvailabilities(): Promise<AvailabilityService> {
  const store = createMemoryStore({ clock }).forCustomer("acme");
  await store.set(123, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 5 } });
  await store.set(Number.MAX_SAFE_INTEGER, { status: "in_call" });
  // Enough agents for a list that is compressed.
  for (let userId = 1; userId <= 20; userId += 1) await store.set(userId, { status: "offline" });
  const availabilities = availabilityServiceOver(store, clock);
  // The fast path needs a loaded replica.
  await availabilities.open(new AbortController().signal);
  return availabilities;
}

/** Starts a gateway for `acme` with a token in its cache. */
async function setUp({ availabilities, ...parts }: Parts = {}) {
  const services = { acme: availabilities ?? (await storedAvailabilities()) };
  const gateway = await startObservedGateway({ services, tokens: [await mint()], hasNoRejectionLimit: true, ...parts });
  return {
    ...gateway,
    send: ({ path = PATH, ...others }: Partial<TestRequest>) => gateway.send({ path, ...others }),
  };
}

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const bearer = async () => ({ Authorization: `Bearer ${await mint()}` });

test("responds to a read with a cached token without calling the app", async () => {
  const stored = await storedAvailabilities();
  const getCached = stored.getCached ?? (() => undefined);
  const direct = await setUp({ availabilities: { ...unusedAvailabilityService(), getCached } });
  const response = await direct.send({ headers: await bearer() });
  expect(response.status).toBe(200);
  expect(JSON.parse(response.body)).toMatchObject({ userId: 123, status: "available", wrapUpTimeTtl: 5 });
});

/** In ascending order, as the app lists users. */
const ascending = (userIds: readonly number[]) => [...userIds].sort((a, b) => a - b);

const listPathArbitrary = fc.oneof(
  fc
    .uniqueArray(fc.oneof(fc.integer({ min: 1, max: 25 }), fc.constantFrom(123, Number.MAX_SAFE_INTEGER)), {
      minLength: 1,
      maxLength: 25,
      size: "max",
    })
    .chain((userIds) => {
      const path = `/v1/availabilities?userIds=${ascending(userIds).join()}`;
      return fc.constantFrom(path, path, `/c/acme${path}`, `/c/globex${path}`, path.replaceAll(",", "%2C"));
    }),
  fc
    .constantFrom(
      "userIds=",
      "userIds=1,",
      "userIds=,1",
      "userIds=01",
      "userIds=0",
      "userIds=9007199254740992",
      "",
      "x=1",
    )
    .map((query) => `/v1/availabilities?${query}`),
  fc
    .constantFrom(501, 500)
    .map((count) => `/v1/availabilities?userIds=${Array.from({ length: count }, (_, index) => index + 1).join()}`),
  fc.constantFrom("/v1/availabilities", "/v1/availabilities?userIds=1&userIds=2", "/v1/availabilities?userIds=1&x=1"),
);

test("responds to a HEAD of a list that is compressed exactly as the app does", async () => {
  const availabilities = await storedAvailabilities();
  const testRequest = {
    method: "HEAD",
    path: `/v1/availabilities?userIds=${Array.from({ length: 500 }, (_, index) => index + 1).join()}`,
    headers: { ...(await bearer()), "Accept-Encoding": "gzip" },
  };
  const response = await (await setUp({ availabilities })).send(testRequest);
  expect(response).toMatchObject({ status: 200, headers: { "content-encoding": "gzip" }, body: "" });
  expect(response).toEqual(await (await setUp({ availabilities, cachesTokens: false })).send(testRequest));
});

test.each(["999.9.9.9", "256.1.1.1", "127.0.0.08", "xn--a", "crm.xn--a.com", "10.0.0.1", "xn.example.com"])(
  "responds to a Host header of %s exactly as the app does, which rejects what is no host",
  async (Host) => {
    const availabilities = await storedAvailabilities();
    const testRequest = { path: "/v1/availabilities?userIds=1", headers: { ...(await bearer()), Host } };
    const response = await (await setUp({ availabilities })).send(testRequest);
    expect(response).toEqual(await (await setUp({ availabilities, cachesTokens: false })).send(testRequest));
  },
);

test("responds to every request exactly as the app does", async () => {
  // One store, since each has cursors of its own.
  const availabilities = await storedAvailabilities();
  const direct = await setUp({ availabilities });
  const app = await setUp({ availabilities, cachesTokens: false });
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
      listPathArbitrary,
      listPathArbitrary,
    ),
    headers: fc.record(
      {
        Authorization: fc.oneof(
          fc.constant(`Bearer ${token}`),
          fc.constantFrom(`bearer ${token}`, `Bearer  ${token}`, `Bearer ${token} `, `Bearer ${token}x`, "Basic x", ""),
          fc.constant<string[]>([`Bearer ${token}`, "Bearer x"]),
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
        "Accept-Encoding": fc.constantFrom("gzip, deflate, br", "gzip;q=0", "identity", "*", ""),
      },
      { requiredKeys: ["Authorization"] },
    ),
  });
  await fc.assert(
    fc.asyncProperty(requestArbitrary, async (testRequest) => {
      expect(await direct.send(testRequest)).toEqual(await app.send(testRequest));
    }),
    { numRuns: scaleRuns(300) },
  );
});

test("responds to a list with a cached token without calling the app, without repetitions and in any order", async () => {
  const stored = await storedAvailabilities();
  const getCachedMany = stored.getCachedMany ?? (() => undefined);
  const direct = await setUp({ availabilities: { ...unusedAvailabilityService(), getCachedMany } });
  const app = await setUp({ availabilities: stored, cachesTokens: false });
  const testRequest = { path: "/v1/availabilities?userIds=123,9,404,123,1,404", headers: await bearer() };
  const [response, expected] = [await direct.send(testRequest), await app.send(testRequest)];
  expect([response.status, response.headers]).toEqual([200, expected.headers]);
  expect(JSON.parse(response.body)).toEqual(JSON.parse(expected.body));
  expect(Object.keys(JSON.parse(response.body).availabilities)).toEqual(["1", "9", "123"]);
});

test("responds to a list of all with a cached token without calling the app", async () => {
  const stored = await storedAvailabilities();
  const getCachedAll = stored.getCachedAll ?? (() => undefined);
  const direct = await setUp({ availabilities: { ...unusedAvailabilityService(), getCachedAll } });
  const app = await setUp({ availabilities: stored, cachesTokens: false });
  const headers = { ...(await bearer()), "Accept-Encoding": "gzip" };
  const response = await direct.send({ path: "/v1/availabilities", headers });
  expect(response).toEqual(await app.send({ path: "/v1/availabilities", headers }));
  expect(Object.keys(JSON.parse(response.body).availabilities)).toHaveLength(22);
  const known = { ...headers, "If-None-Match": response.headers.etag };
  const [again, appAgain] = [direct, app].map(({ send }) =>
    send({ path: "/c/acme/v1/availabilities", headers: known }),
  );
  expect(await again).toMatchObject({ status: 304, body: "" });
  expect(await again).toEqual(await appAgain);
});

test("counts and logs a list of all as the app does, and an unreadable agent in it", async () => {
  const stored = await storedAvailabilities();
  const replica = await stored.open(new AbortController().signal);
  vi.spyOn(replica, "unreadable").mockReturnValue([404]);
  const seen = [true, false].map(async (cachesTokens) => {
    const { send: sendOnce, records, counts } = await setUp({ cachesTokens, availabilities: stored });
    const headers = { ...(await bearer()), "X-Request-Id": "one", traceparent: TRACEPARENT };
    const response = await sendOnce({ path: "/v1/availabilities", headers });
    return {
      response,
      records: records.map(({ durationMs, ...record }) => ({ ...record, isTimed: durationMs >= 0 })),
      counted: await counts(),
    };
  });
  const [direct, app] = await Promise.all(seen);
  expect(direct).toEqual(app);
  expect(JSON.parse(direct?.response.body ?? "")).toMatchObject({ errors: { 404: { status: 503 } } });
  expect(direct?.response.headers.etag).toBeUndefined();
});

test("leaves a list to the app if an agent's data cannot be read", async () => {
  const stored = await storedAvailabilities();
  const replica = await stored.open(new AbortController().signal);
  vi.spyOn(replica, "isUnreadable").mockImplementation((userId) => userId === 404);
  const { send: sendOnce } = await setUp({ availabilities: stored });
  const response = await sendOnce({ path: "/v1/availabilities?userIds=1,404", headers: await bearer() });
  expect(JSON.parse(response.body)).toMatchObject({ availabilities: { 1: {} }, errors: { 404: { status: 503 } } });
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

test("rejects a read with a second Authorization header, as the app does", async () => {
  const { send: sendOnce } = await setUp();
  const response = await sendOnce({ headers: { Authorization: [`Bearer ${await mint()}`, "Bearer x"] } });
  expect(response.status).toBe(401);
});

test("counts and logs a read as the app does", async () => {
  const seen = [true, false].map(async (cachesTokens) => {
    const { send: sendOnce, records, counts } = await setUp({ cachesTokens });
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await sendOnce({ path: `/c/acme${PATH}`, headers: { ...(await bearer()), traceparent, "X-Request-Id": "first" } });
    await sendOnce({ headers: { ...(await bearer()), traceparent, "X-Request-Id": "second", "If-None-Match": "*" } });
    const list = { path: "/v1/availabilities?userIds=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16" };
    await sendOnce({ ...list, headers: { ...(await bearer()), traceparent, "X-Request-Id": "third" } });
    const packed = { "X-Request-Id": "fourth", "Accept-Encoding": "gzip" };
    await sendOnce({ ...list, headers: { ...(await bearer()), traceparent, ...packed } });
    return {
      records: records.map(({ durationMs, ...record }) => ({ ...record, isTimed: durationMs >= 0 })),
      counted: await counts(),
    };
  });
  const [direct, app] = await Promise.all(seen);
  expect(direct).toEqual(app);
  expect(direct?.records.map(({ requestId, status }) => [requestId, status])).toEqual([
    ["first", 200],
    ["second", 304],
    ["third", 200],
    ["fourth", 200],
  ]);
});

test("counts a read against the subject's limit and rejects the next as the app does", async () => {
  const limits = { ...UNLIMITED, requestsPerMinutePerSubject: 12 };
  const availabilities = await storedAvailabilities();
  const responses = [true, false].map(async (cachesTokens) => {
    const { send: sendOnce } = await setUp({ cachesTokens, limits, availabilities });
    const headers = await bearer();
    const list = { path: "/v1/availabilities?userIds=1", headers };
    return [await sendOnce({ headers }), await sendOnce(list), await sendOnce(list)];
  });
  const [direct, app] = await Promise.all(responses);
  expect(direct?.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(direct).toEqual(app);
});

test.each([
  ["Content-Length: 18", '{"status":"other"}'],
  // The app makes such a change.
  ["Transfer-Encoding: chunked", '12\r\n{"status":"other"}\r\n0\r\n\r\n'],
])("responds to a read that is pipelined behind a change with %s with the changed status", async (delimiter, body) => {
  const { origin } = await setUp();
  const { hostname, port } = new URL(origin);
  const head = `Host: ${hostname}\r\nAuthorization: ${(await bearer()).Authorization}\r\n`;
  const change = `PUT ${PATH} HTTP/1.1\r\n${head}Content-Type: application/json\r\n${delimiter}\r\n\r\n${body}`;
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(`${change}GET ${PATH} HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
  const responses = (await text(socket)).split("HTTP/1.1 ").slice(1);
  const bodies: unknown[] = responses.map((response) => JSON.parse(response.split("\r\n\r\n")[1] ?? ""));
  expect(bodies).toEqual([
    expect.objectContaining({ userId: 123, status: "other" }),
    expect.objectContaining({ userId: 123, status: "other" }),
  ]);
});

test("responds to pipelined requests in order, from the fast path and from the app", async () => {
  const { origin } = await setUp();
  const { hostname, port } = new URL(origin);
  const { Authorization } = await bearer();
  const list = `/v1/availabilities?userIds=${Array.from({ length: 20 }, (_, index) => index + 1).join()}`;
  const paths = fc.sample(fc.constantFrom(PATH, list, "/healthz", "/v1/users/404/availability"), 300);
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
      if (path === list) return expect.objectContaining({ errors: {} });
      return expect.objectContaining({ status: path === "/healthz" ? "ok" : 404 });
    }),
  );
});
