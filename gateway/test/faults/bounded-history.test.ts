import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SignJWT } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { createStoreKeys } from "../../store/redis/keys.ts";
import { DEFAULT_KEY_PREFIX } from "../../store/redis/redis-server-options.ts";
import { type RedisServer, startRedisServer } from "../redis-server.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { hasServers } from "./programs.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

const CUSTOMER_IDS = Array.from({ length: 40 }, (_, index) => `customer-${index}`);

const USER_ID = 1;

/** Number of changes, three times the history's. */
const CHANGES = 300_000;

/** Few enough for the gateway to follow without a reload. */
const CHANGES_AT_ONCE = 20_000;

/** Heap limit of the gateway, in MiB: a history of its own for each customer would take 90 besides the rest. */
const HEAP_MIB = 80;

/** Higher than the versions of the present time. */
const FIRST_VERSION = 3_000_000_000_000;

/** Changes the agent of each customer in turn. ARGV: number of changes, first version, number of customers. */
const CHANGE_AGENTS = `
for _ = 1, tonumber(ARGV[1]) do
  local position = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'position', 1))
  local customer = 'customer-' .. position % ARGV[3]
  local version = string.format('%.0f', ARGV[2] + position)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 100000, position .. '-0', 'customer', customer, 'userId', '1',
    'version', version, 'updatedAt', '1', 'status', 'other', 'wrapUpSeconds', '', 'wrapUpEndsAt', '')
  redis.call('HSET', KEYS[1], 'last:' .. customer, position)
  redis.call('HSET', ARGV[4] .. customer .. ':1', 'version', version, 'status', 'other')
end
return redis.call('HGET', KEYS[1], 'position')
`;

async function changeAgents(redis: RedisServer): Promise<number> {
  const keys = createStoreKeys(DEFAULT_KEY_PREFIX);
  const prefix = keys.agent("", "").slice(0, -1);
  const values = [CHANGES_AT_ONCE, FIRST_VERSION, CUSTOMER_IDS.length, prefix].map(String);
  return Number(await redis.command(["EVAL", CHANGE_AGENTS, "2", keys.store, keys.changes, ...values]));
}

async function startCustomersGateway(redisUrl: string) {
  const path = join(await makeTemporaryDirectory(), "gateway.config.json");
  const tokens = { algorithm: "HS256", issuer: "test", audience: "gateway", secret: "${SECRET}" };
  const customers = CUSTOMER_IDS.map((id) => ({ id, allowedOrigins: ["https://crm.example.com"], tokens }));
  await writeFile(path, JSON.stringify({ customers }));
  const secret = randomBytes(32).toString("base64url");
  const environment = {
    GATEWAY_CONFIG: path,
    SECRET: secret,
    REDIS_URL: redisUrl,
    NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`,
  };
  const gateway = await startGateway({ environment });
  const clients = await Promise.all(
    CUSTOMER_IDS.map(async (customer) => {
      const token = await new SignJWT({ customer, scope: "availability:read availability:write" })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject("operator")
        .setIssuer("test")
        .setAudience("gateway")
        .setExpirationTime("1h")
        .sign(new TextEncoder().encode(secret));
      return createGatewayClient({ at: gateway, customer, token });
    }),
  );
  for (const { setStatus } of clients) expect((await setStatus(USER_ID, "available")).status).toBe(201);
  return clients;
}

test.skipIf(!hasServers)(
  "serves on with little memory after three times as many changes of many customers as it keeps",
  async () => {
    const redis = await startRedisServer(["--appendfsync", "no"]);
    onTestFinished(redis.remove);
    const clients = await startCustomersGateway(redis.url);
    for (let made = 0; made < CHANGES; made += CHANGES_AT_ONCE) {
      const position = await changeAgents(redis);
      const last = clients[position % clients.length];
      await expect
        .poll(() => last?.read(USER_ID))
        .toMatchObject({ status: 200, body: { version: FIRST_VERSION + position } });
    }
  },
  300_000,
);
