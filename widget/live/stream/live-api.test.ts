/** Tests of the live requests over HTTP. */
import { expect, onTestFinished, test } from "vitest";
import { type RawAnswer, type ScriptedAnswer, startScriptedBackend } from "../../../gateway/test/scripted-backend.ts";
import { parseChangedAvailability } from "../../gateway/changed-availability.ts";
import { createHttpGatewayClient } from "../../gateway/http-gateway-client.ts";
import { testSession } from "../../test/test-services.ts";
import { createLiveApi } from "./live-api.ts";

const never = new AbortController().signal;

async function setUp(...answers: readonly (ScriptedAnswer | RawAnswer)[]) {
  const backend = await startScriptedBackend({ answers, scriptsStream: true });
  onTestFinished(() => backend.close());
  const tokens = ["t1", "t2"];
  const session = testSession(async () => ({
    type: "HOST.FETCH_TOKEN_FULFILLED",
    payload: { token: tokens.shift() },
  }));
  const { openLive, statistics } = createHttpGatewayClient(new URL("/v1/", backend.origin), session);
  return { backend, statistics, gateway: createLiveApi({ openLive, parseChanged: parseChangedAvailability }) };
}

const STREAM = { status: 200, contentType: "text/event-stream", text: ":\n\n" } as const;

const LIST = {
  availabilities: { 1: { userId: 1, status: "available", version: 7 } },
  errors: {},
  updatedAt: { 1: 5 },
  cursor: "a-1",
} as const;

const invalid = { rejection: expect.objectContaining({ code: "INVALID_RESPONSE" }) };
const malformed = { name: "MalformedResponseError" };

/** An error with the reason, for the widget's developer. */
const malformedBy = (message: string) => ({ ...malformed, cause: expect.objectContaining({ message }) });

const noStream = (type: string) => malformedBy(`content-type: expected text/event-stream, got "${type}"`);
const noSnapshot = malformedBy("snapshot: expected availabilities and a cursor");

test("requests a stream with the page's token, and with a cursor only if known", async () => {
  const { backend, gateway } = await setUp(STREAM);
  const body = await gateway.openStream(never);
  expect(await new Response(body).text()).toBe(":\n\n");
  await gateway.openStream(never, "a-1");
  expect(backend.calls.map(({ path }) => path)).toEqual(["/v1/availabilities/stream", "/v1/availabilities/stream"]);
  expect(backend.calls.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "a-1"]);
  expect(backend.calls.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t1"]);
});

test("requests a snapshot with the entity tag, and returns each user's time of change", async () => {
  const response = { status: 200, headers: { etag: 'W/"a-1"' }, body: LIST };
  const { backend, gateway } = await setUp(response, { status: 304, text: "" });
  const overview = await gateway.fetchSnapshot(never);
  expect(overview).toEqual({
    availabilities: [{ userId: 1, status: "available", version: 7, updatedAt: 5 }],
    unreadable: [],
    ageMs: 0,
    cursor: "a-1",
    etag: 'W/"a-1"',
  });
  await expect(gateway.fetchSnapshot(never, overview?.etag)).resolves.toBeUndefined();
  expect(backend.calls.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, 'W/"a-1"']);
});

test("returns the users whom the gateway cannot read, and none that it does not have", async () => {
  const { gateway } = await setUp({
    status: 200,
    body: { ...LIST, errors: { 2: { status: 503 }, 3: { status: 404 } } },
  });
  expect((await gateway.fetchSnapshot(never))?.unreadable).toEqual([2]);
});

test("requests the stream and the snapshot of some users by their ids in the address", async () => {
  const { backend, gateway, statistics } = await setUp(STREAM, { status: 200, body: LIST });
  await gateway.openStream(never, "a-1", new Set([3, 1, 2]));
  await gateway.fetchSnapshot(never, undefined, new Set([3, 1, 2]));
  expect(backend.calls.map(({ path }) => path)).toEqual([
    "/v1/availabilities/stream?userIds=3,1,2",
    "/v1/availabilities?userIds=3,1,2",
  ]);
  expect(statistics).toMatchObject({ streams: 1, calls: 1 });
});

const CALLS = ["openStream", "fetchSnapshot"] as const;

test.each(CALLS)("%s asks the page for another token after a 401", async (call) => {
  const taken = call === "openStream" ? STREAM : { status: 200, body: LIST };
  const { backend, gateway } = await setUp({ status: 401, text: "" }, taken);
  await gateway[call](never);
  expect(backend.calls.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t2"]);
});

test.each(CALLS)("%s rejects with the status and the retry delay", async (call) => {
  const { gateway } = await setUp(
    { status: 429, headers: { "retry-after": "7" }, body: {} },
    { status: 503, text: "" },
  );
  await expect(gateway[call](never)).rejects.toMatchObject({ status: 429, retryAfterSeconds: 7 });
  await expect(gateway[call](never)).rejects.toMatchObject({ status: 503, retryAfterSeconds: undefined });
});

test.each(CALLS)("%s is not retried if the backend is unreachable", async (call) => {
  const { backend, gateway } = await setUp({ unreachable: true });
  const unreachable = { rejection: expect.objectContaining({ code: "BACKEND_UNREACHABLE" }) };
  await expect(gateway[call](never)).rejects.toMatchObject(unreachable);
  expect(backend.calls).toHaveLength(1);
});

test.each(CALLS)("%s rejects with the reason of the abort", async (call) => {
  const { gateway } = await setUp({ hangs: true });
  const controller = new AbortController();
  const asked = gateway[call](controller.signal);
  controller.abort("left");
  await expect(asked).rejects.toBe("left");
});

test.each<[(typeof CALLS)[number], string, ScriptedAnswer, object]>([
  [
    "openStream",
    "a sign-in page",
    { status: 200, contentType: "text/html", text: "<!doctype html>" },
    noStream("text/html"),
  ],
  [
    "openStream",
    "a type that names the stream's",
    { status: 200, contentType: "application/x.text/event-stream", text: "" },
    noStream("application/x.text/event-stream"),
  ],
  ["openStream", "a redirect", { status: 302, headers: { location: "/elsewhere" }, text: "" }, invalid],
  ["fetchSnapshot", "a redirect", { status: 302, headers: { location: "/elsewhere" }, text: "" }, invalid],
  ["fetchSnapshot", "a sign-in page", { status: 200, contentType: "text/html", text: "<!doctype html>" }, malformed],
  ["fetchSnapshot", "a list without times of change", { status: 200, body: { ...LIST, updatedAt: {} } }, malformed],
  ["fetchSnapshot", "a list without a cursor", { status: 200, body: { ...LIST, cursor: undefined } }, malformed],
  ["fetchSnapshot", "a body without a list", { status: 200, body: { cursor: "a-1" } }, noSnapshot],
  ["fetchSnapshot", "null as the list", { status: 200, body: { ...LIST, availabilities: null } }, noSnapshot],
  ["fetchSnapshot", "a number as the list", { status: 200, body: { ...LIST, availabilities: 5 } }, noSnapshot],
  [
    "fetchSnapshot",
    "a list over 4 MiB",
    { status: 200, text: JSON.stringify(LIST).padEnd(4 * 1024 * 1024 + 1) },
    invalid,
  ],
])("%s rejects %s as a response", async (call, _what, response, error) => {
  const { gateway } = await setUp(response);
  await expect(gateway[call](never)).rejects.toMatchObject(error);
});

test("rejects a stream without a content type, and one without a body", async () => {
  const { gateway } = await setUp(
    (_request, response) => void response.writeHead(200).end("<!doctype html>"),
    (_request, response) => void response.writeHead(204, { "content-type": "text/event-stream" }).end(),
  );
  await expect(gateway.openStream(never)).rejects.toMatchObject(noStream(""));
  await expect(gateway.openStream(never)).rejects.toMatchObject(noStream("text/event-stream"));
});

test("returns the age of a snapshot, so that wrap-up times can be shortened by the age", async () => {
  const { gateway } = await setUp({ status: 200, headers: { age: "7" }, body: LIST });
  expect(await gateway.fetchSnapshot(never)).toMatchObject({ ageMs: 7_000 });
});

test("counts streams, snapshots and the bytes of both", async () => {
  const { gateway, statistics } = await setUp({ status: 200, body: LIST }, { ...STREAM, text: ": ö\n\n" });
  await gateway.fetchSnapshot(never);
  expect(statistics).toMatchObject({ calls: 1, streams: 0, bytes: JSON.stringify(LIST).length });
  expect(await new Response(await gateway.openStream(never)).text()).toBe(": ö\n\n");
  expect(statistics).toMatchObject({ calls: 1, streams: 1, bytes: JSON.stringify(LIST).length + 6 });
});

test("cancels the stream when the reader cancels", async () => {
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
