/** The calls that users are followed by, over HTTP. */
import { expect, onTestFinished, test } from "vitest";
import { type RawAnswer, type ScriptedAnswer, startScriptedBackend } from "../../../gateway/test/scripted-backend.ts";
import { readChanged } from "../../gateway/changed-availability.ts";
import { createHttpGatewayClient } from "../../gateway/http-gateway-client.ts";
import { testSession } from "../../test/test-services.ts";
import { createFeedCalls } from "./feed-calls.ts";

const never = new AbortController().signal;

async function setUp(...answers: readonly (ScriptedAnswer | RawAnswer)[]) {
  const backend = await startScriptedBackend({ answers, scriptsStream: true });
  onTestFinished(() => backend.close());
  const tokens = ["t1", "t2"];
  const session = testSession(async () => ({
    type: "HOST.FETCH_TOKEN_FULFILLED",
    payload: { token: tokens.shift() },
  }));
  const { follow, statistics } = createHttpGatewayClient(new URL("/v1/", backend.origin), session);
  return { backend, statistics, gateway: createFeedCalls({ follow, readChanged }) };
}

const STREAM = { status: 200, contentType: "text/event-stream", text: ":\n\n" } as const;

const LIST = {
  availabilities: { 1: { userId: 1, status: "available", version: 7 } },
  errors: {},
  updatedAt: { 1: 5 },
  cursor: "a-1",
} as const;

const redirected = { rejection: expect.objectContaining({ code: "INVALID_RESPONSE" }) };
const malformed = { name: "MalformedAnswer" };

test("a stream is asked for with the page's token, and with where to resume only where there is such a place", async () => {
  const { backend, gateway } = await setUp(STREAM);
  const body = await gateway.openStream(never);
  expect(await new Response(body).text()).toBe(":\n\n");
  await gateway.openStream(never, "a-1");
  expect(backend.calls.map(({ path }) => path)).toEqual(["/v1/availabilities/stream", "/v1/availabilities/stream"]);
  expect(backend.calls.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "a-1"]);
  expect(backend.calls.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t1"]);
});

test("everybody is asked for with what is held, and is answered with when each has changed", async () => {
  const answer = { status: 200, headers: { etag: 'W/"a-1"' }, body: LIST };
  const { backend, gateway } = await setUp(answer, { status: 304, text: "" });
  const overview = await gateway.readOverview(never);
  expect(overview).toEqual({
    availabilities: [{ userId: 1, status: "available", version: 7, updatedAt: 5 }],
    ageMs: 0,
    cursor: "a-1",
    etag: 'W/"a-1"',
  });
  await expect(gateway.readOverview(never, overview?.etag)).resolves.toBeUndefined();
  expect(backend.calls.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, 'W/"a-1"']);
});

const CALLS = ["openStream", "readOverview"] as const;

test.each(CALLS)("%s asks the page for another token where one is refused", async (call) => {
  const taken = call === "openStream" ? STREAM : { status: 200, body: LIST };
  const { backend, gateway } = await setUp({ status: 401, text: "" }, taken);
  await gateway[call](never);
  expect(backend.calls.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t2"]);
});

test.each(CALLS)("%s says what it was refused with, and after how long to come back", async (call) => {
  const { gateway } = await setUp(
    { status: 429, headers: { "retry-after": "7" }, body: {} },
    { status: 503, text: "" },
  );
  await expect(gateway[call](never)).rejects.toMatchObject({ status: 429, retryAfterSeconds: 7 });
  await expect(gateway[call](never)).rejects.toMatchObject({ status: 503, retryAfterSeconds: undefined });
});

test.each(CALLS)("%s is not repeated where the backend cannot be reached", async (call) => {
  const { backend, gateway } = await setUp({ unreachable: true });
  const unreachable = { rejection: expect.objectContaining({ code: "BACKEND_UNREACHABLE" }) };
  await expect(gateway[call](never)).rejects.toMatchObject(unreachable);
  expect(backend.calls).toHaveLength(1);
});

test.each(CALLS)("%s ends with the reason for which it is aborted", async (call) => {
  const { gateway } = await setUp({ hangs: true });
  const controller = new AbortController();
  const asked = gateway[call](controller.signal);
  controller.abort("left");
  await expect(asked).rejects.toBe("left");
});

test.each<[(typeof CALLS)[number], string, ScriptedAnswer, object]>([
  ["openStream", "a page to sign in on", { status: 200, contentType: "text/html", text: "<!doctype html>" }, malformed],
  ["openStream", "a redirect", { status: 302, headers: { location: "/elsewhere" }, text: "" }, redirected],
  ["readOverview", "a redirect", { status: 302, headers: { location: "/elsewhere" }, text: "" }, redirected],
  [
    "readOverview",
    "a page to sign in on",
    { status: 200, contentType: "text/html", text: "<!doctype html>" },
    malformed,
  ],
  ["readOverview", "a list without its times", { status: 200, body: { ...LIST, updatedAt: {} } }, malformed],
  ["readOverview", "a list without a cursor", { status: 200, body: { ...LIST, cursor: undefined } }, malformed],
  ["readOverview", "what is no list", { status: 200, body: { cursor: "a-1" } }, malformed],
  [
    "readOverview",
    "a list over 4 MiB",
    { status: 200, text: JSON.stringify(LIST).padEnd(4 * 1024 * 1024 + 1) },
    malformed,
  ],
])("%s refuses %s as an answer", async (call, _what, answer, error) => {
  const { gateway } = await setUp(answer);
  await expect(gateway[call](never)).rejects.toMatchObject(error);
});

test("says how old a list is, so that its wrap-up times may be taken for as much shorter", async () => {
  const { gateway } = await setUp({ status: 200, headers: { age: "7" }, body: LIST });
  expect(await gateway.readOverview(never)).toMatchObject({ ageMs: 7_000 });
});

test("counts streams, lists and the bytes of both", async () => {
  const { gateway, statistics } = await setUp({ status: 200, body: LIST }, { ...STREAM, text: ": ö\n\n" });
  await gateway.readOverview(never);
  expect(statistics).toMatchObject({ calls: 1, streams: 0, bytes: JSON.stringify(LIST).length });
  expect(await new Response(await gateway.openStream(never)).text()).toBe(": ö\n\n");
  expect(statistics).toMatchObject({ calls: 1, streams: 1, bytes: JSON.stringify(LIST).length + 6 });
});

test("leaves a stream whose reader has left", async () => {
  const { backend, gateway } = await setUp((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write(": hello\n\n");
  });
  const leaving = new AbortController();
  const reader = (await gateway.openStream(leaving.signal)).getReader();
  await reader.read();
  leaving.abort(new Error("gone"));
  await expect(reader.read()).rejects.toThrow("gone");
  await backend.calls[0]?.hungUp;
});
