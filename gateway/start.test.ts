import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { expect, onTestFinished, test, vi } from "vitest";
import { findFreePort } from "../scripts/testing/local-server.ts";
import { NotBuiltError } from "./assets/built-files.ts";
import { SettingsError } from "./settings/settings.ts";
import { startGateway } from "./start.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "./test/redis-server.ts";
import { TEST_BUILD, writeBuild } from "./test/test-build.ts";
import { throwDefect } from "./test/test-gateway.ts";
import { makeKey, serveJwks } from "./test/test-tokens.ts";

const packageJson: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);

async function start(
  environment: Readonly<Record<string, string>>,
  build: Readonly<Record<string, string>> = TEST_BUILD,
  openFileLimit = 1_000_000,
) {
  const { directory, remove } = await writeBuild(build);
  onTestFinished(remove);
  const lines: string[] = [];
  const gateway = await startGateway({
    environment,
    buildDirectory: directory,
    print: (line) => void lines.push(line),
    onDefect: throwDefect,
    openFileLimit,
    logDestination: { write: (line) => void lines.push(line), flush: () => Promise.resolve() },
  });
  onTestFinished(gateway.close);
  return { ...gateway, lines };
}

test("logs its origin, and that it serves sample agents", async () => {
  const { origin, lines } = await start({ GATEWAY_PORT: "0" });
  expect(lines).toEqual([
    `Gateway listening on ${origin} (availability-gateway ${packageJson.version})`,
    "ALLOWED_ORIGINS: 1 allowed origin: http://localhost:4000",
    "Serving sample agents from memory, since no upstream is configured",
  ]);
  const responses = ["/v1/users/101/availability", "/widget/", "/embed.js"].map((path) => fetch(origin + path));
  expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 200, 200]);
});

const TOKENS = { algorithm: "HS256", issuer: "acme", audience: "gateway", secret: `\${ACME_SECRET}` };

/** Environment of a gateway with one customer and an operator's side. */
async function configured(
  tokens: Readonly<Record<string, string>> = TOKENS,
): Promise<Readonly<Record<string, string>>> {
  const directory = await mkdtemp(join(tmpdir(), "gateway-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "gateway.config.json");
  const customer = { id: "acme", allowedOrigins: ["https://crm.acme.example"], tokens };
  await writeFile(path, JSON.stringify({ customers: [customer] }));
  const environment = { GATEWAY_CONFIG: path, ACME_SECRET: "s".repeat(32) };
  return { ...environment, GATEWAY_PORT: "0", GATEWAY_ADMIN_PORT: "0" };
}

test("writes only JSON if customers are configured", async () => {
  const { origin, adminOrigin, lines, close } = await start(await configured());
  await (await fetch(`${origin}/healthz`)).text();
  await close();
  const records = lines.map((line): unknown => JSON.parse(line));
  expect(records).toMatchObject([
    { level: "info", msg: `Gateway listening on ${origin} (availability-gateway ${packageJson.version})` },
    { level: "info", msg: `Metrics and health for the operator on ${adminOrigin}` },
    { level: "warn", msg: expect.stringMatching(/^Customer acme has the upstream "memory" without REDIS_URL/) },
    { level: "info", msg: "Customer acme: 1 allowed origin: https://crm.acme.example" },
    { level: "info", msg: "request", route: "/healthz", status: 200 },
    { level: "info", msg: "Gateway closing: accepts connections for 0 s more; open streams: 0" },
    { level: "info", msg: "Gateway closed" },
  ]);
});

test("logs a warning at the start if the process may not have as many open files as connections", async () => {
  const messages = async (openFileLimit: number) => {
    const { lines } = await start({ ...(await configured()), MAX_CONNECTIONS: "500" }, TEST_BUILD, openFileLimit);
    return lines.filter((line) => line.includes("open files"));
  };
  expect((await messages(400)).map((line): unknown => JSON.parse(line))).toMatchObject([
    { level: "warn", msg: expect.stringMatching(/ 400 open files.* MAX_CONNECTIONS=500/) },
  ]);
  expect(await messages(501)).toEqual([]);
});

test("logs a warning for each rejected request, with the id of the request's own line", async () => {
  const { origin, lines } = await start(await configured());
  const withoutScope = await makeToken({ scope: "availability:write" });
  for (const [requestId, headers] of [
    ["no-token", {}],
    ["no-scope", { Authorization: `Bearer ${withoutScope}` }],
    ["bad-token", { Authorization: "Bearer garbage" }],
  ] as const) {
    const response = await fetch(`${origin}/v1/users/123/availability`, {
      headers: { ...headers, "X-Request-Id": requestId },
    });
    await response.text();
  }
  await vi.waitFor(() => expect(lines.filter((line) => line.includes('"msg":"request"'))).toHaveLength(3));
  const records = lines.map((line): { readonly requestId?: string } => JSON.parse(line));
  const reasons = { "no-token": "Authorization header", "no-scope": "scope availability:read", "bad-token": "token" };
  for (const [requestId, reason] of Object.entries(reasons)) {
    expect(records.filter((record) => record.requestId === requestId)).toMatchObject([
      { level: "warn", customer: "acme", msg: expect.stringMatching(`^Request rejected: .*${reason}`) },
      { level: "info", customer: "acme", msg: "request" },
    ]);
  }
});

test("logs a warning when a customer's key set cannot be fetched", async () => {
  const keySet = await serveJwks([]);
  keySet.answer = { status: 500, body: "" };
  const tokens = { algorithm: "ES256", issuer: "acme", audience: "gateway", jwksUrl: keySet.url };
  const { privateKey } = await makeKey("ES256", "first");
  const { origin, lines } = await start(await configured(tokens));
  const token = await new SignJWT({}).setProtectedHeader({ alg: "ES256", kid: "first" }).sign(privateKey);
  const response = await fetch(`${origin}/v1/users/123/availability`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(503);
  const requestId = response.headers.get("X-Request-Id") ?? "";
  const record: unknown = JSON.parse(lines.find((line) => /key set.*requestId|requestId.*key set/.test(line)) ?? "");
  expect(record).toMatchObject({ level: "warn", customer: "acme", requestId });
});

test("logs and measures at the start that a customer's key set cannot be fetched, and is ready", async () => {
  const keySet = await serveJwks([]);
  keySet.answer = { status: 500, body: "" };
  const tokens = { algorithm: "ES256", issuer: "acme", audience: "gateway", jwksUrl: keySet.url };
  const { origin, adminOrigin, lines } = await start({ ...(await configured(tokens)), GATEWAY_ADMIN_PORT: "0" });
  await expect.poll(() => lines.join("\n")).toMatch(/"level":"warn".*Customer acme: The key set at .* returned no key/);
  expect(keySet.requests()).toBe(1);
  const metrics = await (await fetch(`${adminOrigin}/metrics`)).text();
  expect(metrics).toContain('gateway_key_set_available{customer="acme"} 0');
  expect((await fetch(`${origin}/readyz`)).status).toBe(200);
});

/** Creates a token of the customer in `configured`. */
function makeToken(claims: Readonly<Record<string, string>>): Promise<string> {
  return new SignJWT({ customer: "acme", sub: "123", ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer("acme")
    .setAudience("gateway")
    .setExpirationTime("5m")
    .sign(new TextEncoder().encode("s".repeat(32)));
}

test("logs no part of a rejected token", async () => {
  const { origin, lines } = await start(await configured());
  const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2VjcmV0";
  const response = await fetch(`${origin}/v1/users/123/availability`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(401);
  await response.text();
  await vi.waitFor(() => expect(lines.at(-1)).toContain('"status":401'));
  expect(lines.some((line) => line.includes("Request rejected: "))).toBe(true);
  expect(lines.join()).not.toMatch(/eyJ|c2VjcmV0|Bearer/);
});

test("serves its metrics only to the operator if customers are configured", async () => {
  const { origin, adminOrigin } = await start(await configured());
  expect((await fetch(`${origin}/metrics`)).status).toBe(404);
  const metrics = await (await fetch(`${adminOrigin}/metrics`)).text();
  expect(metrics).toContain("gateway_store_ready 1");
  expect(metrics).toContain("process_resident_memory_bytes ");
});

test("serves its metrics only to the operator if every call needs a token", async () => {
  const tokens = { JWT_ALGORITHM: "HS256", JWT_ISSUER: "acme", JWT_AUDIENCE: "gateway", JWT_SECRET: "s".repeat(32) };
  const { origin, adminOrigin } = await start({ GATEWAY_PORT: "0", GATEWAY_ADMIN_PORT: "0", ...tokens });
  expect((await fetch(`${origin}/metrics`)).status).toBe(404);
  expect((await fetch(`${adminOrigin}/metrics`)).status).toBe(200);
});

test("serves its metrics publicly in the demo", async () => {
  const { origin, adminOrigin } = await start({ GATEWAY_PORT: "0" });
  expect(adminOrigin).toBeUndefined();
  expect(await (await fetch(`${origin}/metrics`)).text()).toContain("gateway_store_ready 1");
});

test("names its release in its metrics and in the description of its API", async () => {
  const { origin } = await start({ GATEWAY_PORT: "0" });
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  expect(metrics).toContain(`\ngateway_build_info{version="${packageJson.version}"} 1\n`);
  await expect((await fetch(`${origin}/openapi.json`)).json()).resolves.toMatchObject({
    info: { version: packageJson.version },
  });
});

test("reports that it is ready, without naming a customer that is not", async () => {
  const { origin, adminOrigin } = await start(await configured());
  const responses = [origin, adminOrigin].map(async (at) => (await fetch(`${at}/readyz`)).json());
  await expect(Promise.all(responses)).resolves.toEqual([
    { status: "ready" },
    { status: "ready", failing: [], customers: [{ customer: "acme", staleSeconds: 0, upstreamStaleSeconds: 0 }] },
  ]);
});

test("closes every port if the operator's port is in use", async () => {
  const { origin } = await start({ GATEWAY_PORT: "0" });
  const port = await findFreePort();
  const occupied = { GATEWAY_PORT: `${port}`, GATEWAY_ADMIN_PORT: new URL(origin).port };
  await expect(start(occupied)).rejects.toThrow(/^Port \d+ of 127\.0\.0\.1 is in use: .*GATEWAY_ADMIN_PORT=9101$/);
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
});

test("does not start with bad settings or without a build", async () => {
  await expect(start({ GATEWAY_PORT: "abc" }, TEST_BUILD)).rejects.toThrow(SettingsError);
  await expect(start({ GATEWAY_PORT: "0" }, { "embed.js": "" })).rejects.toThrow(NotBuiltError);
});

test.skipIf(!hasRedisServer)("logs that the availabilities are in Redis, without the password", async () => {
  const redis = await startRedisServer(["--requirepass", "s3cret"]);
  onTestFinished(redis.remove);
  const url = redis.url.replace("//", "//default:s3cret@");
  const { origin, lines } = await start({ GATEWAY_PORT: "0", REDIS_URL: `${url}/1` }, TEST_BUILD);
  expect(lines).toEqual([
    `Gateway listening on ${origin} (availability-gateway ${packageJson.version})`,
    `Storing the availabilities in Redis at ${redis.url}/1`,
    "ALLOWED_ORIGINS: 1 allowed origin: http://localhost:4000",
    "Serving sample agents, since no upstream is configured",
  ]);
  expect((await fetch(`${origin}/v1/users/101/availability`)).status).toBe(200);
});

test.skipIf(!hasRedisServer)("starts without Redis, responds with a problem, and serves once Redis is up", async () => {
  const redis = await startRedisServer();
  onTestFinished(redis.remove);
  await redis.kill();
  const { origin, lines } = await start({ GATEWAY_PORT: "0", REDIS_URL: redis.url }, TEST_BUILD);
  const address = `${origin}/v1/users/101/availability`;
  const response = await fetch(address);
  expect([response.status, response.headers.get("content-type")]).toEqual([503, "application/problem+json"]);
  expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
  expect((await fetch(`${origin}/widget/`)).status).toBe(200);
  await redis.start();
  await expect.poll(async () => (await fetch(address)).status, { timeout: 20_000 }).toBe(200);
  expect(lines).toContain("Reconnected to Redis");
});

test.skipIf(!hasRedisServer).each([
  ["is down", [], (redis: RedisServer) => redis.kill(), /ECONNREFUSED/],
  ["demands a password", ["--requirepass", "s3cret"], () => Promise.resolve(), /NOAUTH/],
] as const)("warns the operator when Redis %s", async (_what, redisOptions, prepare, reason) => {
  const redis = await startRedisServer([...redisOptions]);
  onTestFinished(redis.remove);
  await prepare(redis);
  const { lines } = await start({ ...(await configured()), REDIS_URL: redis.url });
  await vi.waitFor(() => expect(lines.join("")).toMatch(reason), { timeout: 10_000 });
  const record: unknown = JSON.parse(lines.find((line) => reason.test(line)) ?? "");
  expect(record).toMatchObject({ level: "warn", msg: expect.stringMatching(/; retrying until it succeeds$/) });
});

test.skipIf(!hasRedisServer)(
  "is not ready and logs the reason while Redis rejects writes, though nobody writes",
  async () => {
    const redis = await startRedisServer();
    onTestFinished(redis.remove);
    const { origin, lines } = await start({ ...(await configured()), REDIS_URL: redis.url });
    const readiness = async () => (await fetch(`${origin}/readyz`)).status;
    await expect.poll(readiness, { timeout: 10_000 }).toBe(200);
    await redis.command(["CONFIG", "SET", "min-replicas-to-write", "1"]);
    await expect.poll(readiness, { timeout: 10_000 }).toBe(503);
    const records = () =>
      lines.map((line): unknown => JSON.parse(line)).filter((record) => /writes/.test(JSON.stringify(record)));
    expect(records()).toMatchObject([
      { level: "warn", msg: expect.stringMatching(/^Redis rejects writes.*NOREPLICAS/) },
    ]);
    await redis.command(["CONFIG", "SET", "min-replicas-to-write", "0"]);
    await expect.poll(readiness, { timeout: 10_000 }).toBe(200);
    expect(records().slice(1)).toMatchObject([{ level: "info", msg: "Redis accepts writes again" }]);
  },
);

test.skipIf(!hasRedisServer)("reports to the operator how old its data is while Redis is away", async () => {
  const redis = await startRedisServer();
  onTestFinished(redis.remove);
  const { origin, adminOrigin } = await start({ ...(await configured()), REDIS_URL: redis.url });
  const headers = { Authorization: `Bearer ${await makeToken({ scope: "availability:read" })}` };
  const list = async () => (await fetch(`${origin}/v1/availabilities`, { headers })).status;
  await expect.poll(list, { timeout: 10_000 }).toBe(200);
  const reported = async () => {
    const { customers } = await (await fetch(`${adminOrigin}/readyz`)).json();
    const metrics = await (await fetch(`${adminOrigin}/metrics`)).text();
    const [, gauge] = /^gateway_stale_seconds\{customer="acme"\} (\S+)$/m.exec(metrics) ?? [];
    return { staleSeconds: customers[0].staleSeconds > 0, gauge: Number(gauge) > 0 };
  };
  expect(await reported()).toEqual({ staleSeconds: false, gauge: false });
  await redis.kill();
  await expect.poll(reported, { timeout: 10_000 }).toEqual({ staleSeconds: true, gauge: true });
  await redis.start();
  await expect.poll(reported, { timeout: 20_000 }).toEqual({ staleSeconds: false, gauge: false });
});
