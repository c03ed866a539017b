/** The store over a primary that Sentinels replace: real Sentinels, and a failover by a crash and by a command. */
import { readFile } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { hasSentinel, PRIMARY_NAME, startSentinel, startSentinelGroup } from "../test/sentinel-group.ts";
import { hasTlsRedisServer, startTlsRedisServer } from "../test/tls-redis-server.ts";
import type { Change } from "./change-history.ts";
import { DEFAULT_KEY_PREFIX, type RedisServerOptions } from "./redis/redis-server-options.ts";
import { createRedisStore } from "./redis-store.ts";
import { collectChanges, eventually, expectGrowingVersions } from "./store.suite.ts";

const never = new AbortController().signal;

/** Longer than Sentinels need for a failover on a busy machine. */
const FAILOVER = { timeout: 60_000, interval: 50 };

function openStore(url: string, options: Partial<RedisServerOptions> = {}) {
  const lines: string[] = [];
  const log = {
    line: (line: string) => void lines.push(line),
    warning: (line: string) => void lines.push(line),
  };
  const server: RedisServerOptions = {
    addresses: url.split(","),
    mode: "sentinel",
    sentinelName: PRIMARY_NAME,
    keyPrefix: DEFAULT_KEY_PREFIX,
    ...options,
  };
  const store = createRedisStore({ server, log, timeoutMs: 10_000, waitMs: 50, maxDelayMs: 200 });
  onTestFinished(store.close);
  return { ...store, lines };
}

/** Returns the changes before, between and after the resets. */
function splitAtResets(changes: readonly (Change | "reset")[]): readonly Change[][] {
  const parts: Change[][] = [[]];
  for (const change of changes) {
    if (change === "reset") parts.push([]);
    else parts.at(-1)?.push(change);
  }
  return parts;
}

describe.skipIf(!hasSentinel)("with Sentinels", { timeout: 300_000 }, () => {
  test.each([
    ["the primary crashes", "crash"],
    ["SENTINEL FAILOVER", "command"],
  ])("continues at the new primary after %s, loses no change and lets no version decrease", async (_, cause) => {
    const group = await startSentinelGroup();
    const stores = [openStore(group.url), openStore(group.url)] as const;
    const customers = stores.map((store) => store.forCustomer("acme"));
    for (const userId of [1, 2, 3]) await customers[0]?.set(userId, { status: "available" });
    const replicas = await Promise.all(customers.map((customer) => customer.open(never)));
    const received = replicas.map((replica) => collectChanges(replica));
    const before = await group.primary();
    if (cause === "crash") await before.kill();
    else await group.sentinels[0]?.command(["SENTINEL", "FAILOVER", PRIMARY_NAME]);
    await expect.poll(group.primary, FAILOVER).not.toBe(before);
    const after = await group.primary();
    // A write to the former primary, which becomes a replica, fails or is written back later.
    for (const [index, customer] of customers.entries()) {
      await expect
        .poll(() => customer.set(1, { status: index === 0 ? "in_call" : "on_mobile" }).catch(() => undefined), FAILOVER)
        .toMatchObject({ userId: 1 });
    }
    for (const replica of replicas) {
      await eventually(() => replica.read(1)?.status).toBe("on_mobile");
      expect([...replica.agents()].map(({ userId }) => userId).sort((a, b) => a - b)).toEqual([1, 2, 3]);
    }
    const key = `{${DEFAULT_KEY_PREFIX}:00}:agent:acme:1`;
    await eventually(() => after.command(["HGET", key, "status"])).toBe("on_mobile");
    // What only the former primary had is written back, and a new snapshot begins a new order.
    for (const changes of received) for (const part of splitAtResets(changes)) expectGrowingVersions(part);
    // The gateways leave a former primary before it becomes a replica, which takes ten seconds more.
    const reason = "The Sentinels have made another Redis the primary; reconnecting";
    if (cause === "command") for (const { lines } of stores) expect(lines).toContain(reason);
  });

  test("passes over Sentinels that are down, and does without them while another one answers", async () => {
    const group = await startSentinelGroup();
    const [first, second] = group.sentinels;
    await first?.kill();
    await second?.kill();
    const store = openStore(`redis://127.0.0.1:${await findFreePort()},${group.url}`);
    await expect(store.forCustomer("acme").set(1, { status: "available" })).resolves.toMatchObject({ userId: 1 });
    expect(store.lines).toEqual([]);
  });

  test("takes the primary that is one if a Sentinel names a replica", async () => {
    const group = await startSentinelGroup();
    const replica = group.servers[1];
    // A Sentinel that was cut off before a failover names a former primary, which is a replica now.
    const outdated = await startSentinel([`sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${replica?.port} 9`]);
    const alone = openStore(outdated.url);
    await expect(alone.forCustomer("acme").set(1, { status: "available" })).rejects.toThrow(
      `The Sentinels name 127.0.0.1:${replica?.port} as the primary. The Redis there is no primary: its role is replica`,
    );
    const store = openStore(`${outdated.url},${group.url}`);
    await expect(store.forCustomer("acme").set(1, { status: "available" })).resolves.toMatchObject({ userId: 1 });
  });

  test("gives the Sentinels a password of their own, and Redis that of the address", async () => {
    const group = await startSentinelGroup({ redisPassword: "redis-secret", password: "sentinel-secret" });
    const url = group.url.replaceAll("//", "//:redis-secret@");
    const store = openStore(url, { sentinelLogin: { password: "sentinel-secret" } });
    await expect(store.forCustomer("acme").set(1, { status: "available" })).resolves.toMatchObject({ userId: 1 });
    const wrong = openStore(url, { sentinelLogin: { password: "guess" } });
    await expect(wrong.forCustomer("acme").set(1, { status: "available" })).rejects.toThrow(
      /^No Sentinel names the primary: 127\.0\.0\.1:\d+: WRONGPASS .*REDIS_SENTINEL_PASSWORD/,
    );
    expect(wrong.lines.join("\n")).not.toMatch(/guess|redis-secret/);
  });

  test("needs no more rights at the Sentinels and at Redis than docs/redis.md grants", async () => {
    const group = await startSentinelGroup();
    const page = await readFile("docs/redis.md", "utf8");
    const grant = (user: string) => new RegExp(`^ACL (SETUSER ${user} .+)$`, "m").exec(page)?.[1]?.split(" ") ?? [];
    for (const { command } of group.sentinels) {
      await command(["ACL", ...grant("asker")]);
      await command(["ACL", "SETUSER", "default", "off"]);
    }
    for (const { command } of group.servers) await command(["ACL", ...grant("gateway")]);
    const url = group.url.replaceAll("//", "//gateway:secret@");
    const store = openStore(url, { sentinelLogin: { user: "asker", password: "secret" } });
    await expect(store.forCustomer("acme").set(1, { status: "available" })).resolves.toMatchObject({ userId: 1 });
    for (const { command } of group.servers) expect(await command(["ACL", "LOG"])).toEqual([]);
  });

  test.skipIf(!hasTlsRedisServer)(
    "uses TLS and the client certificate for the Sentinel and for the primary",
    async () => {
      const server = await startTlsRedisServer(["--tls-replication", "yes"]);
      onTestFinished(server.remove);
      const { caPath, issue } = server.authority;
      const { certPath, keyPath } = issue("sentinel");
      const port = await findFreePort();
      await startSentinel([
        `tls-port ${port}`,
        `tls-cert-file ${certPath}`,
        `tls-key-file ${keyPath}`,
        `tls-ca-cert-file ${caPath}`,
        "tls-replication yes",
        `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${new URL(server.tlsUrl).port} 1`,
      ]);
      const store = openStore(`rediss://127.0.0.1:${port}`, { tls: { caPath, ...issue("gateway") } });
      await expect(store.forCustomer("acme").set(1, { status: "available" })).resolves.toMatchObject({ userId: 1 });
      const without = openStore(`rediss://127.0.0.1:${port}`, { tls: { caPath } });
      await expect(without.forCustomer("acme").set(1, { status: "available" })).rejects.toThrow(
        /^No Sentinel names the primary: .*certificate required\. .*set REDIS_TLS_CERT and REDIS_TLS_KEY/,
      );
    },
  );

  test("says why no Sentinel names a primary", async () => {
    const group = await startSentinelGroup();
    const port = await findFreePort();
    const [url = ""] = group.sentinels.map((sentinel) => sentinel.url);
    const [server] = group.servers;
    const store = openStore(`redis://127.0.0.1:${port},${url},${server?.url}`, { sentinelName: "mails" });
    const failed = await store
      .forCustomer("acme")
      .set(1, { status: "available" })
      .catch((error: unknown) => String(error));
    expect(failed).toContain(`127.0.0.1:${port}: connect ECONNREFUSED`);
    expect(failed).toContain(`${new URL(url).host}: knows no primary with the name "mails"`);
    expect(failed).toContain(`127.0.0.1:${server?.port}: ERR unknown command 'SENTINEL'`);
    expect(failed).toContain("The server is no Sentinel");
  });
});
