/** Tests the whole gateway over the fake of the telephony API, configured by a settings file. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startGateway } from "../start.ts";
import { type FakeUpstreamOptions, startFakeUpstream } from "./fake-upstream/fake-upstream.ts";
import { writeBuild } from "./test-build.ts";
import { throwDefect } from "./test-gateway.ts";
import { mint, SECRET } from "./test-tokens.ts";

const ENVIRONMENT = {
  GATEWAY_PORT: "0",
  ACME_SECRET: SECRET,
  ACME_API_ID: "fake-id",
  ACME_API_TOKEN: "fake-token",
  ACME_WEBHOOK_TOKEN: "webhook-secret",
};

function reference(name: string): string {
  return `\${${name}}`;
}

/** Generous for a busy machine, but less than the 20 seconds after which a poll would show the change anyway. */
const POLLING = { timeout: 10_000 };

const config = (baseUrl: string, account: object) => ({
  customers: [
    {
      id: "acme",
      allowedOrigins: ["https://crm.acme.example"],
      tokens: {
        algorithm: "HS256",
        issuer: "https://login.acme.example",
        audience: "availability-bridge",
        secret: reference("ACME_SECRET"),
      },
      upstream: {
        kind: "aircall",
        apiId: reference("ACME_API_ID"),
        apiToken: reference("ACME_API_TOKEN"),
        webhookToken: reference("ACME_WEBHOOK_TOKEN"),
        baseUrl,
        ...account,
      },
    },
  ],
});

async function setUp(options: { readonly fake?: FakeUpstreamOptions; readonly account?: object } = {}) {
  const fake = await startFakeUpstream({ users: 3, ...options.fake });
  const { directory, remove } = await writeBuild();
  const path = join(directory, "gateway.config.json");
  await writeFile(path, JSON.stringify(config(fake.origin, options.account ?? {})));
  const log: string[] = [];
  const gateway = await startGateway({
    environment: { ...ENVIRONMENT, GATEWAY_CONFIG: path },
    buildDirectory: directory,
    print: () => {},
    onDefect: throwDefect,
    logDestination: { write: (line) => void log.push(line), flush: async () => {} },
  });
  onTestFinished(async () => {
    await gateway.close();
    await fake.close();
    await remove();
  });
  const exp = Math.floor(Date.now() / 1000) + 600;
  const headers = { Authorization: `Bearer ${await mint({ exp, sub: "operator" })}` };
  const ask = (path: string) => fetch(`${gateway.origin}/c/acme/v1/users/${path}`, { headers });
  const set = (userId: number, status: string, traceparent = "") =>
    fetch(`${gateway.origin}/c/acme/v1/users/${userId}/availability`, {
      method: "PUT",
      headers: { ...headers, "Content-Type": "application/json", ...(traceparent && { traceparent }) },
      body: JSON.stringify({ status }),
    });
  const statusOf = async (userId: number): Promise<unknown> => {
    const answer = await ask(`${userId}/availability`);
    const body: unknown = await answer.json();
    return typeof body === "object" && body && "status" in body ? body.status : body;
  };
  return { fake, gateway, ask, set, statusOf, log };
}

test("serves the agents that the API lists and the changes that its webhooks announce", async () => {
  // Polls run every 20 seconds, so a change that is seen sooner came by webhook.
  const { fake, gateway, statusOf } = await setUp({ account: { requestsPerMinute: 6 } });
  await expect.poll(() => statusOf(2), POLLING).toBe("available");
  const url = `${gateway.origin}/c/acme/v1/upstream/webhook`;
  fake.webhooks.configure({ url, token: "webhook-secret", copies: 3, isShuffled: true, retryDelayMs: 10 });
  fake.company.put(2, { availability: "in_training" });
  await expect.poll(() => statusOf(2), POLLING).toBe("in_traning");
  await expect.poll(() => fake.webhooks.counts(), POLLING).toEqual({ delivered: 12, failedAttempts: 0, waiting: 0 });
});

test("serves an agent as in a call when a webhook says that the agent has answered a call", async () => {
  // Polls run every 20 seconds, so a change that is seen sooner came by webhook.
  const { fake, gateway, statusOf } = await setUp({ account: { requestsPerMinute: 6 } });
  await expect.poll(() => statusOf(2), POLLING).toBe("available");
  const url = `${gateway.origin}/c/acme/v1/upstream/webhook`;
  fake.webhooks.configure({ url, token: "webhook-secret", copies: 1, isShuffled: false, retryDelayMs: 10 });
  fake.company.put(2, { availability: "in_call" });
  await expect.poll(() => statusOf(2), POLLING).toBe("in_call");
});

test("passes on the API's own rejection while no agent is known, and logs the rejection without the credentials", async () => {
  const { ask, log } = await setUp({ fake: { apiToken: "another" } });
  await expect.poll(async () => (await ask("2/availability")).status, POLLING).toBe(403);
  const answer = await ask("2/availability");
  await expect(answer.json()).resolves.toEqual({ message: "Forbidden" });
  const said = log.join("");
  expect(said).toContain("Customer acme: The telephony system responded with status 403");
  expect(said).not.toMatch(/fake-token|fake-id|Basic|webhook-secret/);
});

test("sets a status at the API with the caller's trace, and rejects a status that the API cannot set without calling the API", async () => {
  const { fake, set, statusOf } = await setUp();
  await expect.poll(() => statusOf(2), POLLING).toBe("available");
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  expect((await set(2, "do_not_disturb", `00-${traceId}-b7ad6b7169203331-01`)).status).toBe(200);
  expect(fake.company.find(2)).toMatchObject({ setting: "unavailable" });
  const put = fake.requests.all().find(({ method }) => method === "PUT");
  expect(put?.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  const refused = await set(2, "on_a_break");
  expect(refused.status).toBe(422);
  await expect(refused.json()).resolves.toMatchObject({ title: "Unprocessable Content" });
  expect(fake.requests.all().filter(({ method }) => method === "PUT")).toHaveLength(1);
});

test("passes on the API's response to a change that the API rejects", async () => {
  const { fake, set, statusOf } = await setUp();
  await expect.poll(() => statusOf(2), POLLING).toBe("available");
  fake.company.remove(2);
  const refused = await set(2, "do_not_disturb");
  expect(refused.status).toBe(404);
  await expect(refused.json()).resolves.toEqual({ error: "User not found", troubleshoot: expect.any(String) });
});
