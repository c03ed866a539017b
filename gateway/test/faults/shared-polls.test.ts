/** Gateways over one Redis that share the polls of many customers. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../redis-server.ts";
import { type GatewayProcess, startGateway } from "./gateway-process.ts";
import { type PolledApi, startFakePolledApi } from "./polled-api.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

const CUSTOMERS = Array.from({ length: 20 }, (_, index) => `customer-${index}`);

/** Generous for a busy machine: a gateway that was killed counts as live for 7 s, and has its leases for longer. */
const PATIENCE = { interval: 10, timeout: 60_000 };

/** Writes the customers' file: each polls its upstream three times a second. */
async function writeCustomers(): Promise<Readonly<Record<string, string>>> {
  const path = join(await makeTemporaryDirectory(), "gateway.config.json");
  const customers = CUSTOMERS.map((id, index) => ({
    id,
    allowedOrigins: ["https://crm.example"],
    tokens: { algorithm: "HS256", issuer: id, audience: "bridge", secret: "${TOKEN_SECRET}" },
    upstream: {
      kind: "aircall",
      baseUrl: "${UPSTREAM_URL}",
      apiId: `\${API_ID_${index}}`,
      apiToken: "${API_TOKEN}",
      requestsPerMinute: 400,
      timeoutMs: 5_000,
    },
  }));
  await writeFile(path, JSON.stringify({ customers }));
  const ids = Object.fromEntries(CUSTOMERS.map((id, index) => [`API_ID_${index}`, id]));
  return { ...ids, GATEWAY_CONFIG: path, TOKEN_SECRET: "s".repeat(32), API_TOKEN: "token" };
}

async function setUp() {
  const redis = await startRedisServer();
  onTestFinished(redis.remove);
  const api = await startFakePolledApi();
  const environment = { ...(await writeCustomers()), REDIS_URL: redis.url };
  const start = (name: string): Promise<GatewayProcess> =>
    startGateway({ environment: { ...environment, UPSTREAM_URL: api.baseUrl(name) } });
  return { api, start };
}

/** Resolves when the first gateway alone polls all customers from now on. */
async function expectFirstAlone({ shares, forget }: PolledApi): Promise<void> {
  forget();
  await expect.poll(shares, PATIENCE).toEqual({ first: CUSTOMERS.length });
}

/** Resolves when both gateways poll a share of the customers. */
async function expectShared({ shares }: PolledApi): Promise<void> {
  await expect.poll(() => Math.min(shares()["first"] ?? 0, shares()["second"] ?? 0), PATIENCE).toBeGreaterThan(2);
}

test.skipIf(!hasRedisServer)(
  "share the customers' polls: a new gateway takes its share, and others take over from one that is killed or closes",
  async () => {
    const { api, start } = await setUp();
    await start("first");
    await expectFirstAlone(api);
    const second = await start("second");
    await expectShared(api);
    await second.kill();
    await expectFirstAlone(api);
    await second.start();
    await expectShared(api);
    await second.terminate();
    await expectFirstAlone(api);
    expect(api.overlaps).toEqual([]);
  },
  300_000,
);
