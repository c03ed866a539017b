import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import type { AppEnv } from "../../hono-env.ts";
import { startObservedGateway } from "../../test/observed-gateway.ts";
import { testWebhook } from "../../test/test-aircall.ts";
import { sampleAvailabilityService } from "../../test/test-gateway.ts";
import { limitBytesInFlight } from "./bytes-in-flight.ts";

const KIB = 1024;

/** Creates a route for bodies of up to 200 KiB, of which it holds 400 KiB, and whose handler ends when the test says so. */
function setUp() {
  const handlers: { readonly end: () => void; readonly fail: () => void }[] = [];
  const limit = limitBytesInFlight(async (_context, next) => next(), { maxBodyBytes: 200 * KIB, maxBytes: 400 * KIB });
  const app = new Hono<AppEnv>().use(limit).post("/", async (context) => {
    await new Promise<void>((resolve, reject) => {
      handlers.push({ end: resolve, fail: () => reject(new Error("gone")) });
    });
    return context.text("read");
  });
  app.onError((error, context) => context.text(error.message, 500));
  const post = async (headers: Readonly<Record<string, string>>) => app.request("/", { method: "POST", headers });
  const ofLength = (kibibytes: number) => post({ "Content-Length": `${kibibytes * KIB}` });
  return { post, ofLength, handlers };
}

test("holds so many bytes at once, until their requests are answered or have failed", async () => {
  const { ofLength, handlers } = setUp();
  const held = [ofLength(200), ofLength(120)];
  const rejected = await ofLength(81);
  expect([rejected.status, rejected.headers.get("Retry-After")]).toEqual([503, "5"]);
  expect(handlers).toHaveLength(2);
  held.push(ofLength(80));
  handlers[1]?.end();
  expect((await held[1])?.status).toBe(200);
  held.push(ofLength(100));
  expect((await ofLength(66)).status).toBe(503);
  handlers[0]?.fail();
  expect((await held[0])?.status).toBe(500);
  held.push(ofLength(200));
  await expect.poll(() => handlers.length).toBe(5);
  for (const { end } of handlers) end();
  await Promise.all(held);
});

test("counts a body of unknown length as the longest, and none of 64 KiB", async () => {
  const { post, ofLength, handlers } = setUp();
  const held = [post({}), post({ "Content-Length": "1", "Transfer-Encoding": "chunked" })];
  expect((await ofLength(65)).status).toBe(503);
  expect((await post({})).status).toBe(503);
  for (let count = 0; count < 100; count += 1) held.push(ofLength(64));
  await expect.poll(() => handlers.length).toBe(102);
  for (const { end } of handlers) end();
  for (const { status } of await Promise.all(held)) expect(status).toBe(200);
});

const HALF = "x".repeat(512 * KIB);

/** Opens a webhook of 1 MiB, of which half is sent. */
function openWebhook(origin: string): ClientRequest {
  const sent = request(`${origin}/v1/upstream/webhook`, {
    method: "POST",
    agent: false,
    headers: { "Content-Length": KIB * KIB },
  });
  onTestFinished(() => void sent.destroy());
  sent.on("error", () => {}).write(HALF);
  return sent;
}

/** Sends the rest of a webhook, and resolves with the status of its response. */
async function finish(sent: ClientRequest): Promise<number | undefined> {
  sent.end(HALF);
  const [response]: IncomingMessage[] = await once(sent, "response");
  response?.resume();
  return response?.statusCode;
}

test("a gateway holds 32 webhooks of 1 MiB, and answers short ones and other calls meanwhile", async () => {
  const { origin, send, openConnections } = await startObservedGateway({
    services: { acme: await sampleAvailabilityService() },
    tokens: [],
  });
  const held = Array.from({ length: 32 }, () => openWebhook(origin));
  await expect.poll(openConnections).toBe(32);
  await expect.poll(() => finish(openWebhook(origin))).toBe(503);
  const short = { method: "POST", path: "/v1/upstream/webhook", body: testWebhook("user.opened", 7, "guess") };
  expect(await send(short)).toMatchObject({ status: 401 });
  expect(await send({ path: "/healthz" })).toMatchObject({ status: 200 });
  // One client leaves, and one sends the rest: both places are free again.
  const [first = openWebhook(origin), second = openWebhook(origin)] = held;
  first.destroy();
  expect(await finish(second)).toBe(401);
  await expect.poll(() => finish(openWebhook(origin))).toBe(401);
});
