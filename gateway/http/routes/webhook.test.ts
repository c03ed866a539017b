import { expect, test } from "vitest";
import { testWebhook } from "../../test/test-aircall.ts";
import { testGateway } from "../../test/test-gateway.ts";
import { createWebhookReceiver } from "../../upstream/aircall/webhook.ts";

async function setUp() {
  const changed: number[] = [];
  const onChange = (userId: number) => void changed.push(userId);
  const receiveWebhook = createWebhookReceiver({ token: "webhook-secret", onChange });
  const app = await testGateway({ receiveWebhook });
  const post = (body: BodyInit, path = "/v1/upstream/webhook") => app.request(path, { method: "POST", body });
  return { app, post, changed };
}

test.each(["/v1/upstream/webhook", "/c/demo/v1/upstream/webhook"])("accepts a webhook at %s", async (path) => {
  const { post, changed } = await setUp();
  const response = await post(testWebhook("user.opened.v2", 7), path);
  expect(response.status).toBe(204);
  expect(await response.text()).toBe("");
  expect(changed).toEqual([7]);
});

test.each([
  ["another token", testWebhook("user.opened", 7, "guess"), 401],
  ["no webhook", "{}", 401],
  ["half a webhook", testWebhook("user.opened", 7).slice(0, -1), 400],
  ["more than 1 MiB", testWebhook("user.opened", 7).padEnd(1024 * 1024 + 1), 413],
])("responds to %s with a problem that does not repeat the body", async (_what, body, status) => {
  const { post, changed } = await setUp();
  const response = await post(body);
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(await response.text()).not.toMatch(/guess|secret/);
  expect(changed).toEqual([]);
});

test("counts the bytes of a body without Content-Length", async () => {
  const { app, changed } = await setUp();
  const chunk = new Uint8Array(1024).fill(0x20);
  let chunks = 0;
  const body = new ReadableStream({
    pull(controller) {
      chunks += 1;
      if (chunks > 10_000) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const response = await app.request("/v1/upstream/webhook", { method: "POST", body, duplex: "half" } as RequestInit);
  expect(response.status).toBe(413);
  expect(chunks).toBeLessThan(1_100);
  expect(changed).toEqual([]);
});

test.each(["/v1/upstream/webhook", "/c/demo/v1/upstream/webhook"])("accepts exactly 1 MiB at %s", async (path) => {
  const { post, changed } = await setUp();
  expect((await post(testWebhook("user.opened", 7).padEnd(1024 * 1024), path)).status).toBe(204);
  expect(changed).toEqual([7]);
});

test("accepts at other addresses 64 KiB", async () => {
  const { post } = await setUp();
  for (const path of ["/v1/upstream/webhook/", "/c/a/b/v1/upstream/webhook", "/v1/upstream/webhooks"]) {
    expect((await post("".padEnd(64 * 1024 + 1), path)).status).toBe(413);
  }
});

test("responds alike to a wrong token, a customer without webhooks and an unknown customer", async () => {
  const app = await testGateway();
  const { post } = await setUp();
  const body = testWebhook("user.opened", 7, "guess");
  const send = (path: string) => app.request(path, { method: "POST", body });
  const responses = [
    await post(body),
    await send("/c/demo/v1/upstream/webhook"),
    await send("/c/else/v1/upstream/webhook"),
  ];
  expect(responses.map(({ status }) => status)).toEqual([401, 401, 401]);
  const [first, ...others] = await Promise.all(
    responses.map(async (response) => [[...response.headers], await response.text()]),
  );
  for (const other of others) expect(other).toEqual(first);
});

test("allows only POST", async () => {
  const { app } = await setUp();
  const response = await app.request("/v1/upstream/webhook");
  expect([response.status, response.headers.get("Allow")]).toEqual([405, "POST"]);
});
