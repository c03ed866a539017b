import { once } from "node:events";
import { inspect } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { startFakeUpstream } from "../../test/fake-upstream/fake-upstream.ts";
import type { Fault } from "../../test/fake-upstream/faults.ts";
import { openListener } from "../../test/fake-upstream/listener.ts";
import { UpstreamError } from "../upstream.ts";
import { createAircallClient } from "./client.ts";

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
  });
  return { fake, client };
}

async function failureOf(answer: Promise<unknown>): Promise<UpstreamError> {
  const error: unknown = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UpstreamError)) throw new Error("There was no failure of the upstream");
  return error;
}

function answer(status: number, text: string, headers?: Record<string, string>): Fault {
  return { kind: "answer", status, text, headers: headers ?? { "content-type": "application/json" } };
}

test("reads a page, one agent, and sets one", async () => {
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
  ["refuses connections", { kind: "refuse" }, /could not be reached \(ECONNREFUSED\)$/],
  ["resets the connection", { kind: "reset" }, /could not be reached/],
  ["resets it in the middle of the body", { kind: "cut" }, /could not be reached/],
  ["answers garbage", answer(200, "\0\u0001 not json"), /is not JSON$/],
  ["answers half a JSON", answer(200, PAGE.slice(0, -9)), /is not JSON$/],
  ["answers with another content type", answer(200, PAGE, { "content-type": "text/html" }), /is not JSON$/],
  ["answers with no content type", answer(200, PAGE, {}), /is not JSON$/],
  ["answers nothing", answer(200, ""), /is not JSON$/],
  ["answers with other JSON", answer(200, "[]"), /something else than it was asked for$/],
  ["answers with an id that is none", answer(200, PAGE.replace('"id":1', '"id":"1"')), /something else/],
  ["answers another page", answer(200, PAGE.replace('page":1', 'page":2')), /something else/],
  ["answers more than 4 MiB", { kind: "huge", bytes: 4 * 1024 * 1024 }, /is too large$/],
  [
    "redirects",
    answer(302, "", { location: "http://127.0.0.1:1/elsewhere" }),
    /status 302, which the gateway does not/,
  ],
  ["answers 304", answer(304, ""), /status 304/],
])("says that there was no answer where the API %s", async (_what, fault, message) => {
  const { client } = await setUp(fault);
  const failure = await failureOf(client.list(1, never));
  expect(failure.message).toMatch(message);
  expect([failure.status, failure.body]).toEqual([undefined, undefined]);
});

test("takes a JSON content type with parameters or a suffix", async () => {
  for (const type of ["application/json; charset=utf-8", "application/vnd.api+json"]) {
    const { client } = await setUp(answer(200, PAGE, { "content-type": type }));
    await expect(client.list(1, never)).resolves.toMatchObject({ isLast: true });
  }
});

test.each([{ kind: "hang" }, { kind: "slow", delayMs: 60_000 }] as const)(
  "gives up on an API that says nothing in time: %j",
  async (fault) => {
    const { client } = await setUp(fault, { timeoutMs: 20 });
    const failure = await failureOf(client.list(1, never));
    expect(failure.message).toBe("The telephony system did not answer within 20 ms");
    expect(failure.isTimeout).toBe(true);
  },
);

test("gives up on an API that goes silent within the body", async () => {
  const { origin, refuse } = await openListener(0, (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).write('{"users":');
  });
  onTestFinished(refuse);
  const client = createAircallClient({ baseUrl: new URL(origin), apiId: "a", apiToken: "b", timeoutMs: 50, fetch });
  await expect(client.list(1, never)).rejects.toThrow("did not answer within 50 ms");
});

test.each<[Fault, unknown]>([
  [answer(500, '{"error":"Internal","troubleshoot":"Call us"}'), { error: "Internal", troubleshoot: "Call us" }],
  [answer(503, "<h1>Away</h1>", { "content-type": "text/html" }), { message: "<h1>Away</h1>" }],
  [answer(401, '{"message":"Unauthorized"}'), { message: "Unauthorized" }],
  [answer(403, '{"message":"Forbidden"}'), { message: "Forbidden" }],
  [answer(405, '"user not available"'), "user not available"],
  [answer(400, ""), { message: "" }],
  [answer(404, "null"), null],
])("passes on what the API refuses with, as it stands: %j", async (fault, body) => {
  const { client } = await setUp(fault);
  const failure = await failureOf(client.read(1, never));
  expect(failure.status).toBe(fault.kind === "answer" && fault.status);
  expect(failure.body).toEqual(body);
});

test.each<[Record<string, string>, unknown]>([
  [{ "retry-after": "90" }, 90],
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }, 0],
  [{ "retry-after": "soon" }, undefined],
  [{ "retry-after": "9".repeat(400) }, undefined],
  [{}, undefined],
])("reads how long the API wants to be left alone from %j", async (headers, seconds) => {
  const { client } = await setUp(answer(429, "{}", headers));
  expect((await failureOf(client.read(1, never))).retryAfterSeconds).toBe(seconds);
});

test("is told 403 for wrong credentials, and says them nowhere", async () => {
  const { client } = await setUp(undefined, { apiId: "s3cret-id" });
  const failure = await failureOf(client.list(1, never));
  expect(failure).toMatchObject({ status: 403, body: { message: "Forbidden" } });
  const { client: unreachable } = await setUp({ kind: "refuse" }, { apiId: "s3cret-id" });
  const other = await failureOf(unreachable.list(1, never));
  // As a log would write them, causes included.
  for (const error of [failure, other]) expect(inspect(error, { depth: 9 })).not.toMatch(/s3cret|czNjcmV0|Basic/);
});

test("is told 400 where a page lies beyond 10,000 agents", async () => {
  const { client } = await setUp();
  await expect(client.list(200, never)).resolves.toMatchObject({ users: [], isLast: true });
  await expect(client.list(201, never)).rejects.toMatchObject({ status: 400, body: { error: expect.any(String) } });
});

test("does not show its credentials to where a redirect leads", async () => {
  const seen: string[] = [];
  const { origin, refuse } = await openListener(0, (request, response) => {
    seen.push(request.url ?? "");
    response.end("{}");
  });
  onTestFinished(refuse);
  const { client } = await setUp(answer(307, "", { location: `${origin}/` }));
  await expect(client.set(1, "available", { signal: never })).rejects.toThrow("status 307");
  expect(seen).toEqual([]);
});

test("ends a call with the signal's reason when its caller leaves", async () => {
  const asked = new EventTarget();
  const { origin, refuse } = await openListener(0, () => asked.dispatchEvent(new Event("asked")));
  onTestFinished(refuse);
  const client = createAircallClient({ baseUrl: new URL(origin), apiId: "a", apiToken: "b", timeoutMs: 10_000, fetch });
  const caller = new AbortController();
  const hasAsked = once(asked, "asked");
  const reading = client.read(1, caller.signal);
  await hasAsked;
  caller.abort("gone");
  await expect(reading).rejects.toBe("gone");
});
