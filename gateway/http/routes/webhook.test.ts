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

test.each(["/v1/upstream/webhook", "/c/demo/v1/upstream/webhook"])("takes a webhook in at %s", async (path) => {
  const { post, changed } = await setUp();
  const answer = await post(testWebhook("user.opened.v2", 7), path);
  expect(answer.status).toBe(204);
  expect(await answer.text()).toBe("");
  expect(changed).toEqual([7]);
});

test.each([
  ["another token", testWebhook("user.opened", 7, "guess"), 401],
  ["no webhook", "{}", 400],
  ["more than 64 KiB", testWebhook("user.opened", 7).padEnd(64 * 1024 + 1), 413],
])("answers %s with a problem that does not repeat what was sent", async (_what, body, status) => {
  const { post, changed } = await setUp();
  const answer = await post(body);
  expect(answer.status).toBe(status);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(await answer.text()).not.toMatch(/guess|secret/);
  expect(changed).toEqual([]);
});

test("counts the bytes that come, where nobody says how many will", async () => {
  const { app, changed } = await setUp();
  const chunk = new Uint8Array(1024).fill(0x20);
  let chunks = 0;
  const body = new ReadableStream({
    pull(controller) {
      chunks += 1;
      if (chunks > 1_000) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const answer = await app.request("/v1/upstream/webhook", { method: "POST", body, duplex: "half" } as RequestInit);
  expect(answer.status).toBe(413);
  expect(chunks).toBeLessThan(100);
  expect(changed).toEqual([]);
});

test("takes exactly 64 KiB", async () => {
  const { post } = await setUp();
  expect((await post(testWebhook("user.opened", 7).padEnd(64 * 1024))).status).toBe(204);
});

test("says the same of another token, of a customer without webhooks and of one who does not exist", async () => {
  const app = await testGateway();
  const { post } = await setUp();
  const body = testWebhook("user.opened", 7, "guess");
  const ask = (path: string) => app.request(path, { method: "POST", body });
  const answers = [
    await post(body),
    await ask("/c/demo/v1/upstream/webhook"),
    await ask("/c/else/v1/upstream/webhook"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
  const [first, ...others] = await Promise.all(
    answers.map(async (answer) => [[...answer.headers], await answer.text()]),
  );
  for (const other of others) expect(other).toEqual(first);
});

test("allows nothing but POST", async () => {
  const { app } = await setUp();
  const answer = await app.request("/v1/upstream/webhook");
  expect([answer.status, answer.headers.get("Allow")]).toEqual([405, "POST"]);
});
