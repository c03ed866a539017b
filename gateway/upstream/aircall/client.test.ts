import { once } from "node:events";
import { inspect } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { runUnobserved } from "../../outgoing-call.ts";
import { startFakeUpstream } from "../../test/fake-upstream/fake-upstream.ts";
import type { Fault } from "../../test/fake-upstream/faults.ts";
import { openListener } from "../../test/fake-upstream/listener.ts";
import { UpstreamError } from "../upstream.ts";
import { createAircallClient } from "./client.ts";

const UNOBSERVED = { customerId: "acme", observe: runUnobserved };
const never = new AbortController().signal;
const PAGE = '{"users":[{"id":1,"availability":"available"}],"meta":{"current_page":1,"next_page_link":null}}';
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async function setUp(fault?: Fault, options: { readonly timeoutMs?: number; readonly apiId?: string } = {}) {
  const fake = await startFakeUpstream();
  onTestFinished(fake.close);
  await fake.setFault(fault);
  const { timeoutMs = 10_000, apiId = "fake-id" } = options;
  const client = createAircallClient({
    baseUrl: new URL(`${fake.origin}/`),
    apiId,
    apiToken: "fake-token",
    timeoutMs,
    fetch,
    ...UNOBSERVED,
  });
  return { fake, client };
}

async function failureOf(result: Promise<unknown>): Promise<UpstreamError> {
  const error: unknown = await result.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UpstreamError)) throw new Error("There was no failure of the upstream");
  return error;
}

function respondWith(status: number, text: string, headers?: Record<string, string>): Fault {
  return { kind: "answer", status, text, headers: headers ?? { "content-type": "application/json" } };
}

test("reads a page and an agent, and sets an agent's status", async () => {
  const { fake, client } = await setUp();
  fake.company.put(2, { availability: "after_call_work" });
  const users = [
    { id: 1, availability: "available" },
    { id: 2, availability: "after_call_work" },
    { id: 3, availability: "available" },
  ];
  await expect(client.list(1, never)).resolves.toEqual({ users, isLast: true });
  await expect(client.read(2, never)).resolves.toBe("after_call_work");
  await client.set(3, "unavailable", { signal: never, traceparent: TRACE, tracestate: "congo=1" });
  await expect(client.read(3, never)).resolves.toBe("do_not_disturb");
  expect(fake.requests.all().map(({ traceparent }) => traceparent)).toEqual([undefined, undefined, TRACE, undefined]);
  expect(fake.requests.all()[2]?.tracestate).toBe("congo=1");
});

test.each<[string, Fault, RegExp]>([
  ["rejects connections", { kind: "refuse" }, /could not be reached \(ECONNREFUSED\)$/],
  ["resets the connection", { kind: "reset" }, /could not be reached/],
  ["resets it in the middle of the body", { kind: "cut" }, /could not be reached/],
  ["responds with garbage", respondWith(200, "\0\u0001 not json"), /is not JSON$/],
  ["responds with half a JSON", respondWith(200, PAGE.slice(0, -9)), /is not JSON$/],
  ["responds with another content type", respondWith(200, PAGE, { "content-type": "text/html" }), /is not JSON$/],
  ["responds with no content type", respondWith(200, PAGE, {}), /is not JSON$/],
  ["responds with nothing", respondWith(200, ""), /is not JSON$/],
  ["responds with other JSON", respondWith(200, "[]"), /unexpected form$/],
  ["responds with ids alone that are none", respondWith(200, PAGE.replace('"id":1', '"id":"1"')), /unexpected form/],
  ["responds with another page", respondWith(200, PAGE.replace('page":1', 'page":2')), /unexpected form/],
  ["responds with more than 4 MiB", { kind: "huge", bytes: 4 * 1024 * 1024 }, /is too large$/],
  [
    "redirects",
    respondWith(302, "", { location: "http://127.0.0.1:1/elsewhere" }),
    /status 302, which the gateway does not accept/,
  ],
  ["responds with 304", respondWith(304, ""), /status 304/],
])("throws an error without a status if the API %s", async (_what, fault, message) => {
  const { client } = await setUp(fault);
  const failure = await failureOf(client.list(1, never));
  expect(failure.message).toMatch(message);
  expect([failure.status, failure.body]).toEqual([undefined, undefined]);
});

test("leaves out the entries of a page that are no agents", async () => {
  const { client } = await setUp(respondWith(200, PAGE.replace('"users":[', '"users":[{"id":null},7,')));
  await expect(client.list(1, never)).resolves.toMatchObject({
    users: [{ id: 1, availability: "available" }],
    leftOut: { count: 2 },
    isLast: true,
  });
});

test("accepts a JSON content type with parameters or a suffix", async () => {
  for (const type of ["application/json; charset=utf-8", "application/vnd.api+json"]) {
    const { client } = await setUp(respondWith(200, PAGE, { "content-type": type }));
    await expect(client.list(1, never)).resolves.toMatchObject({ isLast: true });
  }
});

test.each([{ kind: "hang" }, { kind: "slow", delayMs: 60_000 }] as const)(
  "stops waiting for an API that does not respond in time: %j",
  async (fault) => {
    const { client } = await setUp(fault, { timeoutMs: 20 });
    const failure = await failureOf(client.list(1, never));
    expect(failure.message).toBe("The telephony system did not respond within 20 ms");
    expect(failure.isTimeout).toBe(true);
  },
);

test("stops waiting for an API that stalls within the body", async () => {
  const { origin, refuse } = await openListener(0, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).write('{"users":');
  });
  onTestFinished(refuse);
  const client = createAircallClient({
    baseUrl: new URL(origin),
    apiId: "a",
    apiToken: "b",
    timeoutMs: 50,
    fetch,
    ...UNOBSERVED,
  });
  await expect(client.list(1, never)).rejects.toThrow("did not respond within 50 ms");
});

test.each<[Fault, unknown]>([
  [respondWith(500, '{"error":"Internal","troubleshoot":"Call us"}'), { error: "Internal", troubleshoot: "Call us" }],
  [respondWith(503, "<h1>Away</h1>", { "content-type": "text/html" }), { message: "<h1>Away</h1>" }],
  [respondWith(401, '{"message":"Unauthorized"}'), { message: "Unauthorized" }],
  [respondWith(403, '{"message":"Forbidden"}'), { message: "Forbidden" }],
  [respondWith(405, '"user not available"'), "user not available"],
  [respondWith(400, ""), { message: "" }],
  [respondWith(404, "null"), null],
])("forwards the API's rejection unchanged: %j", async (fault, body) => {
  const { client } = await setUp(fault);
  const failure = await failureOf(client.read(1, never));
  expect(failure.status).toBe(fault.kind === "answer" && fault.status);
  expect(failure.body).toEqual(body);
});

/** Returns what a signal holds of the signals that `AbortSignal.any` has made of it, as Node names it. */
function findDependants(signal: AbortSignal): readonly string[] {
  const symbols = Object.getOwnPropertySymbols(signal).filter(({ description }) => description === "kDependantSignals");
  return symbols.map((symbol) => inspect(Reflect.get(signal, symbol)));
}

test("leaves nothing of a call at the signal of its caller, which may live for months", async () => {
  const { client } = await setUp();
  const { signal } = new AbortController();
  await client.list(1, signal);
  await client.set(1, "available", { signal });
  expect(findDependants(signal)).toEqual(findDependants(new AbortController().signal));
});

test.each<[Record<string, string>, unknown]>([
  [{ "retry-after": "90" }, 90],
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }, 0],
  [{ "retry-after": "Thu, 01 Jan 2026 10:01:30 GMT", date: "Thu, 01 Jan 2026 10:00:00 GMT" }, 90],
  [{ "retry-after": "soon" }, undefined],
  [{ "retry-after": "9".repeat(400) }, undefined],
  [{}, undefined],
])("parses Retry-After from %j", async (headers, seconds) => {
  const { client } = await setUp(respondWith(429, "{}", headers));
  expect((await failureOf(client.read(1, never))).retryAfterSeconds).toBe(seconds);
});

test("throws a 403 for wrong credentials without containing them", async () => {
  const { client } = await setUp(undefined, { apiId: "s3cret-id" });
  const failure = await failureOf(client.list(1, never));
  expect(failure).toMatchObject({ status: 403, body: { message: "Forbidden" } });
  const { client: unreachable } = await setUp({ kind: "refuse" }, { apiId: "s3cret-id" });
  const other = await failureOf(unreachable.list(1, never));
  // Inspect as a log would, causes included.
  for (const error of [failure, other]) expect(inspect(error, { depth: 9 })).not.toMatch(/s3cret|czNjcmV0|Basic/);
});

test("throws a 400 for a page beyond 10,000 agents", async () => {
  const { client } = await setUp();
  await expect(client.list(200, never)).resolves.toMatchObject({ users: [], isLast: true });
  await expect(client.list(201, never)).rejects.toMatchObject({ status: 400, body: { error: expect.any(String) } });
});

test("does not send its credentials to the target of a redirect", async () => {
  const seen: string[] = [];
  const { origin, refuse } = await openListener(0, (request, response) => {
    seen.push(request.url ?? "");
    response.end("{}");
  });
  onTestFinished(refuse);
  const { client } = await setUp(respondWith(307, "", { location: `${origin}/` }));
  await expect(client.set(1, "available", { signal: never })).rejects.toThrow("status 307");
  expect(seen).toEqual([]);
});

test("rejects with the signal's reason when the caller aborts", async () => {
  const requests = new EventTarget();
  const { origin, refuse } = await openListener(0, () => requests.dispatchEvent(new Event("request")));
  onTestFinished(refuse);
  const client = createAircallClient({
    baseUrl: new URL(origin),
    apiId: "a",
    apiToken: "b",
    timeoutMs: 10_000,
    fetch,
    ...UNOBSERVED,
  });
  const caller = new AbortController();
  const requestArrived = once(requests, "request");
  const reading = client.read(1, caller.signal);
  await requestArrived;
  caller.abort("gone");
  await expect(reading).rejects.toBe("gone");
});
