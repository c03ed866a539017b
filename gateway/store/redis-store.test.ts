import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";
import { hasRedisServer, type RedisServer, startRedisServer } from "../test/redis-server.ts";
import { toAvailability } from "./agent.ts";
import { UnreadableAgentError } from "./availability-store.ts";
import { singleRedis } from "./redis/redis-server-options.ts";
import { createRedisStore, type RedisStoreOptions } from "./redis-store.ts";
import { collectChanges, declareStoreTests, eventually } from "./store.suite.ts";
import { type StoreObserver, unobservedStore } from "./store-observer.ts";

const never = new AbortController().signal;

// Short nodes, because the tests wait until Redis trims entries.
const settings = ["--stream-node-max-entries", "5"];

describe.skipIf(!hasRedisServer)("the store in Redis", async () => {
  // All tests share one server; each test has its own customers.
  const server = hasRedisServer ? await startRedisServer(settings) : undefined;
  afterAll(() => server?.remove());
  const start = async () => server ?? Promise.reject(new Error("The tests of a missing server are skipped"));

  declareStoreTests({
    async open() {
      const { url } = await start();
      return [openStore(url), openStore(url)];
    },
    runs: 25,
  });
});

function openStore(url: string, options: Partial<RedisStoreOptions> = {}) {
  const store = createRedisStore({ server: singleRedis(url), log: { line: () => {}, warning: () => {} }, ...options });
  onTestFinished(store.close);
  return store;
}

async function startServer(): Promise<RedisServer> {
  const server = await startRedisServer(settings);
  onTestFinished(server.remove);
  return server;
}

describe.skipIf(!hasRedisServer)("in Redis", () => {
  test("records reads again after the clock of Redis was set back", async () => {
    const server = await startServer();
    const store = openStore(server.url).forCustomer("acme");
    await store.record(7, { status: "available" }, await store.startRead());
    const aheadMicros = (Date.now() + 3_600_000) * 1000;
    await server.command(["HSET", "{availability-bridge:00}:agent:acme:7", "readAt", `${aheadMicros}`]);
    const recorded = store.record(7, { status: "in_call" }, await store.startRead());
    await expect(recorded).resolves.toMatchObject({ status: "in_call" });
    const earlier = (await store.startRead()) - 1_000_000;
    await expect(store.record(7, { status: "offline" }, earlier)).resolves.toMatchObject({ status: "in_call" });
  });

  test("writes only the documented keys", async () => {
    const server = await startServer();
    const store = openStore(server.url);
    await store.forCustomer("acme").set(7, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 0 } });
    await store.forCustomer("acme").open(never);
    await store.lease("poll:acme", 60_000);
    await store
      .forCustomer("acme")
      .recordPage({ page: 1, readAt: 1, isLast: true, pageIntervalMs: 2_000, graceMs: 5_000 });
    const { requestSlots } = store.forCustomer("acme");
    await requestSlots.take({ share: "poll", id: "1", slots: 30, durationMs: 61_000 });
    await requestSlots.block(60_000);
    await store.gateways.announce({ customerIds: ["acme"], listedCustomerIds: [], durationMs: 7_000 });
    const keys = await server.command(["KEYS", "*"]);
    expect(new Set(keys as string[])).toEqual(
      new Set([
        "{availability-bridge:00}:store",
        "{availability-bridge:00}:changes",
        "{availability-bridge:00}:agent:acme:7",
        "{availability-bridge:00}:agents:acme",
        "{availability-bridge:00}:list:acme",
        "{availability-bridge:00}:lists",
        "{availability-bridge:00}:lists:late",
        "{availability-bridge:00}:gateways",
        "{availability-bridge:00}:polled:822b33ad87c148a0",
        "{availability-bridge:00}:slots:acme:poll",
        "{availability-bridge:00}:blocked:acme",
        "{availability-bridge:00}:lease:poll:acme",
      ]),
    );
    await expect(server.command(["TYPE", "{availability-bridge:00}:agent:acme:7"])).resolves.toBe("hash");
  });

  test("needs no more rights than docs/redis.md grants", async () => {
    const server = await startServer();
    const [, rights = ""] = /^ACL (SETUSER gateway on .+)$/m.exec(await readFile("docs/redis.md", "utf8")) ?? [];
    await server.command(["ACL", ...rights.split(" ")]);
    const url = server.url.replace("//", "//gateway:secret@");
    const [one, other] = [openStore(url), openStore(url)];
    const agent = await one.forCustomer("acme").set(7, { status: "available" });
    expect([...(await other.forCustomer("acme").open(never)).agents()]).toEqual([agent]);
    await expect(one.lease("poll", 60_000)).resolves.toBe(true);
    expect(one.isReady()).toBe(true);
    await server.command(["FLUSHALL"]);
    await eventually(() => server.command(["EXISTS", "{availability-bridge:00}:agent:acme:7"])).toBe(1);
  });

  test.skipIf(!findServer("redis-cli"))(
    "has the agents of a build whose keys had no braces, once docs/redis.md has renamed them",
    async () => {
      const server = await startServer();
      const former = openStore(server.url);
      const agent = await former.forCustomer("acme").set(7, { status: "in_call" });
      await former.close();
      const keys = (await server.command(["KEYS", "*"])) as readonly string[];
      for (const key of keys)
        await server.command(["RENAME", key, key.replace("{availability-bridge:00}", "availability-bridge")]);
      const [, script = ""] = /^```bash\n(.*?)^```$/ms.exec(await readFile("docs/redis.md", "utf8")) ?? [];
      const port = new URL(server.url).port;
      const { status, stderr } = spawnSync(
        "bash",
        ["-c", `redis-cli() { command redis-cli -p ${port} "$@"; }\n${script}`],
        {
          encoding: "utf8",
        },
      );
      expect([status, stderr]).toEqual([0, ""]);
      const replica = await openStore(server.url).forCustomer("acme").open(never);
      expect([...replica.agents()]).toEqual([agent]);
    },
  );

  test("leases a task to one gateway at a time, until the gateway closes or the lease expires", async () => {
    const server = await startServer();
    const [one, other] = [openStore(server.url), openStore(server.url)];
    await Promise.all([one.whenReady(never), other.whenReady(never)]);
    await expect(one.lease("poll", 60_000)).resolves.toBe(true);
    await expect(other.lease("poll", 60_000)).resolves.toBe(false);
    await expect(other.lease("sweep", 60_000)).resolves.toBe(true);
    await expect(one.lease("poll", 120_000)).resolves.toBe(true);
    const left = Number(await server.command(["PTTL", "{availability-bridge:00}:lease:poll"]));
    expect(left).toBeGreaterThan(60_000);
    await one.close();
    await expect(other.lease("poll", 60_000)).resolves.toBe(true);
    // Expires the lease.
    await server.command(["DEL", "{availability-bridge:00}:lease:poll"]);
    const third = openStore(server.url);
    await third.whenReady(never);
    await expect(third.lease("poll", 60_000)).resolves.toBe(true);
    await expect(other.lease("poll", 60_000)).resolves.toBe(false);
  });

  test("leases a task to another gateway once a lease shortened by its owner has expired", async () => {
    const server = await startServer();
    const [one, other] = [openStore(server.url), openStore(server.url)];
    await Promise.all([one.whenReady(never), other.whenReady(never)]);
    await one.lease("poll", 60_000);
    await expect(other.lease("poll", 60_000)).resolves.toBe(false);
    await one.lease("poll", 1);
    await expect.poll(() => other.lease("poll", 60_000), { timeout: 10_000 }).toBe(true);
    await expect(one.lease("poll", 60_000)).resolves.toBe(false);
  });

  test("keeps a lease with keepAfterClose for its whole duration when the gateway closes", async () => {
    const server = await startServer();
    const [one, other] = [openStore(server.url), openStore(server.url)];
    await Promise.all([one.whenReady(never), other.whenReady(never)]);
    await expect(one.lease("slot", 60_000, { keepAfterClose: true })).resolves.toBe(true);
    await one.close();
    await expect(other.lease("slot", 60_000)).resolves.toBe(false);
  });

  test("gives gateways with unrelated clocks the same wrap-up time", async () => {
    const server = await startServer();
    const shifted = (byMs: number) => ({ wallMs: () => byMs, monotonicMs: () => performance.now() + byMs });
    const clocks = [shifted(0), shifted(5e9)];
    const stores = clocks.map((clock) => openStore(server.url, { clock }).forCustomer("acme"));
    const replicas = await Promise.all(stores.map((store) => store.open(never)));
    const wrapUp = { configuredSeconds: 100_000, leftSeconds: 50_000 };
    await stores[0]?.set(1, { status: "available", wrapUp });
    await eventually(() => replicas[1]?.size()).toBe(1);
    const left = replicas.map((replica, index) => {
      const agent = replica.read(1);
      return agent && toAvailability(agent, clocks[index]?.monotonicMs() ?? 0).wrapUpTimeTtl;
    });
    for (const seconds of left) expect(seconds).toBeLessThanOrEqual(50_000);
    for (const seconds of left) expect(seconds).toBeGreaterThan(40_000);
  });

  test("limits a wrap-up time to the configured seconds at any clock of Redis", async () => {
    const server = await startServer();
    const store = openStore(server.url);
    await store.forCustomer("acme").set(1, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 30 } });
    const endsAt = String(Date.now() + 3_600_000);
    await server.command(["HSET", "{availability-bridge:00}:agent:acme:1", "wrapUpEndsAt", endsAt]);
    const agent = (await openStore(server.url).forCustomer("acme").open(never)).read(1);
    expect(agent && toAvailability(agent, performance.now()).wrapUpTimeTtl).toBeLessThanOrEqual(30);
  });

  test("prints no warning of too many listeners while 1,000 customers are loaded and written at once", async () => {
    const server = await startServer();
    const store = openStore(server.url, { timeoutMs: 30_000 });
    const warnings: string[] = [];
    const handleWarning = ({ name }: Error) => void warnings.push(name);
    process.on("warning", handleWarning);
    onTestFinished(() => void process.removeListener("warning", handleWarning));
    const customers = Array.from({ length: 1_000 }, (_, index) => store.forCustomer(`customer-${index}`));
    await Promise.all(customers.map((customer) => customer.open(new AbortController().signal)));
    await Promise.all(customers.map((customer) => customer.set(1, { status: "available" })));
    // Node prints a warning in the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });

  test("loads a customer in one piece while another gateway changes it", async () => {
    const server = await startServer();
    // A long timeout, because all writes wait at once.
    const writer = openStore(server.url, { timeoutMs: 30_000 }).forCustomer("acme");
    const ids = Array.from({ length: 1_200 }, (_, index) => index + 1);
    await Promise.all(ids.map((userId) => writer.set(userId, { status: "offline" })));
    const changing = ids.map((userId) => writer.set(userId, { status: "available" }));
    const replica = await openStore(server.url).forCustomer("acme").open(never);
    const received = collectChanges(replica);
    const unchanged = [...replica.agents()].filter(({ status }) => status === "offline").map(({ userId }) => userId);
    await Promise.all(changing);
    await eventually(() => received.length).toBe(unchanged.length);
    const userIds = received.map((change) => change !== "reset" && "agent" in change && change.agent.userId);
    // Each agent was either loaded with the change or changed by the stream, never both.
    expect(new Set(userIds)).toEqual(new Set(unchanged));
    expect([...replica.agents()].every(({ status }) => status === "available")).toBe(true);
  });

  test("returns undefined for a cursor that is too old, on each gateway", async () => {
    const server = await startServer();
    const [one, other] = [0, 1].map(() => openStore(server.url, { historyLength: 10 }).forCustomer("acme"));
    const replica = await one?.open(never);
    const cursor = replica?.cursor() ?? "";
    for (let count = 0; count < 40; count += 1) await one?.set(1, { status: count % 2 ? "offline" : "available" });
    expect(replica?.changesSince(cursor)).toBeUndefined();
    expect((await other?.open(never))?.changesSince(cursor)).toBeUndefined();
  });

  test("keeps an idle customer's cursor resumable during changes of other customers", async () => {
    const server = await startServer();
    const store = openStore(server.url, { historyLength: 10 });
    const replica = await store.forCustomer("quiet").open(never);
    for (let count = 0; count < 40; count += 1) {
      await store.forCustomer("busy").set(1, { status: count % 2 ? "offline" : "available" });
    }
    const cursor = replica.cursor();
    const later = await openStore(server.url, { historyLength: 10 }).forCustomer("quiet").open(never);
    expect(later.changesSince(cursor)).toEqual([]);
  });

  test("grows an agent's version over every version in Redis and in the gateway, even ahead of the clock", async () => {
    const server = await startServer();
    const store = openStore(server.url).forCustomer("acme");
    const key = "{availability-bridge:00}:agent:acme:1";
    await store.set(1, { status: "available" });
    // A test cannot set back the clock of Redis, so it writes a version from one hour ahead.
    const ahead = Date.now() + 3_600_000;
    await server.command(["HSET", key, "version", String(ahead)]);
    await expect(store.setStatus(1, "in_call")).resolves.toMatchObject({ version: ahead + 1 });
    await store.open(never);
    // Redis may lose an agent, for example by eviction.
    await server.command(["DEL", key]);
    await expect(store.set(1, { status: "offline" })).resolves.toMatchObject({ version: ahead + 2 });
  });

  test("stores the agents of a page by one script", async () => {
    const server = await startServer();
    const scripts: string[] = [];
    const observe: StoreObserver["observe"] = (call, run) => {
      scripts.push(call.operation);
      return run({});
    };
    const store = openStore(server.url, { observer: { ...unobservedStore, observe } }).forCustomer("acme");
    const replica = await store.open(never);
    const readAt = await store.startRead();
    scripts.length = 0;
    const found = Array.from({ length: 50 }, (_, index) => ({
      userId: 1 + index,
      state: { status: "other" } as const,
    }));
    await store.recordAll(found, readAt);
    expect(replica.size()).toBe(50);
    expect(scripts.filter((name) => /^(record|change|confirm)$/.test(name))).toEqual(["record"]);
  });

  test("skips unreadable agents, warns once, and reads them again after a write", async () => {
    const server = await startServer();
    const before = openStore(server.url).forCustomer("acme");
    for (const userId of [1, 2, 3, 4, 5]) await before.set(userId, { status: "available" });
    const key = (userId: number) => `{availability-bridge:00}:agent:acme:${userId}`;
    await server.command(["HSET", key(1), "status", "levitating"]);
    await server.command(["HSET", key(2), "version", "many", "wrapUpSeconds", "some"]);
    await server.command(["DEL", key(3)]);
    await server.command(["SET", key(3), "no hash"]);
    await server.command(["SADD", "{availability-bridge:00}:agents:acme", "nobody"]);

    const lines: string[] = [];
    const store = openStore(server.url, { log: { line: () => {}, warning: (line) => void lines.push(line) } });
    const replica = await store.forCustomer("acme").open(never);
    expect(lines).toEqual(["Customer acme: 3 agents in Redis cannot be read by this version of the gateway"]);
    expect(new Set([...replica.agents()].map(({ userId }) => userId))).toEqual(new Set([4, 5]));
    expect([1, 2, 3, 4, 6].filter(replica.isUnreadable)).toEqual([1, 2, 3]);

    const acme = store.forCustomer("acme");
    await expect(acme.setStatus(1, "in_call")).resolves.toMatchObject({ status: "in_call" });
    await expect(acme.set(2, { status: "offline" })).resolves.toMatchObject({ status: "offline" });
    await expect(acme.set(3, { status: "offline" })).rejects.toThrow(UnreadableAgentError);
    await expect(acme.setStatus(4, "in_call")).resolves.toMatchObject({ status: "in_call" });
    const found = [3, 5].map((userId) => ({ userId, state: { status: "in_call" } as const }));
    await acme.recordAll(found, await acme.startRead());
    expect([3, 5].map((userId) => replica.read(userId)?.status)).toEqual([undefined, "in_call"]);
    expect([1, 2, 3].filter(replica.isUnreadable)).toEqual([3]);
    expect(store.isReady()).toBe(true);
  });

  test("restores all agents that Redis has lost, except unreadable ones", async () => {
    const server = await startServer();
    const lines: string[] = [];
    const store = openStore(server.url, {
      log: { line: () => {}, warning: (line) => void lines.push(line) },
      waitMs: 50,
      maxDelayMs: 50,
    });
    for (const userId of [1, 2]) await store.forCustomer("acme").set(userId, { status: "available" });
    const replica = await store.forCustomer("acme").open(never);
    await server.command(["FLUSHALL"]);
    await server.command(["SET", "{availability-bridge:00}:agent:acme:1", "no hash"]);
    await eventually(() => replica.isUnreadable(1)).toBe(true);
    await store.whenReady(never);
    expect([...replica.agents()].map(({ userId }) => userId)).toEqual([2]);
    // No read has found the agent.
    await expect(store.forCustomer("acme").lastReadMs(2)).resolves.toBe(-Infinity);
  });

  test("skips unreadable changes and warns once", async () => {
    const server = await startServer();
    const lines: string[] = [];
    const store = openStore(server.url, {
      log: { line: () => {}, warning: (line) => void lines.push(line) },
    }).forCustomer("acme");
    const replica = await store.open(never);
    for (const status of ["levitating", "sleeping"]) {
      const position = Number(await server.command(["HINCRBY", "{availability-bridge:00}:store", "position", "1"]));
      const entry = ["customer", "acme", "userId", "1", "version", "9", "updatedAt", "9", "status", status];
      const wrapUp = ["wrapUpSeconds", "", "wrapUpEndsAt", ""];
      await server.command(["XADD", "{availability-bridge:00}:changes", `${position}-0`, ...entry, ...wrapUp]);
    }
    await store.set(2, { status: "available" });
    expect([...replica.agents()].map(({ userId }) => userId)).toEqual([2]);
    expect(lines).toEqual([expect.stringContaining("cannot read")]);
  });
});
