/** The whole behaviour of the store over each kind of server and connection that `docs/redis.md` has, all of them real. */
import { copyFile, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { createAuthority } from "../test/certificates.ts";
import { hasRedisServer, hasValkeyServer, type RedisServer, startRedisServer } from "../test/redis-server.ts";
import { hasTlsRedisServer, startTlsRedisServer } from "../test/tls-redis-server.ts";
import { type RedisServerOptions, type RedisTls, singleRedis } from "./redis/redis-server-options.ts";
import { createRedisStore } from "./redis-store.ts";
import { declareStoreTests, eventually } from "./store.suite.ts";

// Short nodes, because the tests wait until Redis trims entries.
const SETTINGS = ["--stream-node-max-entries", "5"];

/** A server, and how a gateway connects to it. */
interface Started {
  readonly server: RedisServer;
  readonly options: RedisServerOptions;
}

function openStore(options: RedisServerOptions) {
  const store = createRedisStore({ server: options, log: { line: () => {}, warning: () => {} }, timeoutMs: 10_000 });
  onTestFinished(store.close);
  return store;
}

/** Declares the tests of every store over one server, which all tests share; each test has its own customers. */
async function declareTestsOver(start: () => Promise<Started>): Promise<void> {
  const { server, options } = await start();
  afterAll(server.remove);
  declareStoreTests({ open: async () => [openStore(options), openStore(options)], runs: 5 });

  test("is denied no command", async () => {
    await expect(server.command(["ACL", "LOG"])).resolves.toEqual([]);
  });
}

describe.skipIf(!hasValkeyServer)("in Valkey", async () => {
  if (!hasValkeyServer) return;
  await declareTestsOver(async () => {
    const server = await startRedisServer(SETTINGS, { program: "valkey-server" });
    return { server, options: singleRedis(server.url) };
  });
});

describe.skipIf(!hasRedisServer)(
  "at the socket of a Redis, as a user with the rights of docs/redis.md alone",
  async () => {
    if (!hasRedisServer) return;
    await declareTestsOver(async () => {
      const server = await startRedisServer([...SETTINGS, "--unixsocket", "redis.sock"]);
      const [, rights = ""] = /^ACL (SETUSER gateway .+)$/m.exec(await readFile("docs/redis.md", "utf8")) ?? [];
      await server.command(["ACL", ...rights.split(" ")]);
      return { server, options: singleRedis(`unix://gateway:secret@${path.join(server.data, "redis.sock")}?db=1`) };
    });
  },
);

describe.skipIf(!hasTlsRedisServer)("over TLS with a client certificate and a private authority", async () => {
  if (!hasTlsRedisServer) return;
  await declareTestsOver(async () => {
    const server = await startTlsRedisServer(SETTINGS);
    const { caPath, issue } = server.authority;
    return { server, options: { ...singleRedis(server.tlsUrl), tls: { caPath, ...issue("gateway") } } };
  });
});

describe.skipIf(!hasTlsRedisServer)("over TLS", () => {
  test("needs the authority and the client certificate", async () => {
    const server = await startTlsRedisServer();
    onTestFinished(server.remove);
    const { caPath, issue } = server.authority;
    const set = (tls: RedisTls) =>
      openStore({ ...singleRedis(server.tlsUrl), tls })
        .forCustomer("acme")
        .set(1, { status: "available" });
    await expect(set(issue("gateway"))).rejects.toThrow(
      "self-signed certificate in certificate chain. Set REDIS_TLS_CA",
    );
    await expect(set({ caPath })).rejects.toThrow(/certificate required\. .*set REDIS_TLS_CERT and REDIS_TLS_KEY/);
    await expect(set({ caPath, ...issue("gateway") })).resolves.toMatchObject({ userId: 1 });
  });

  test("takes certificates that were renewed in their files for the next connection", async () => {
    const server = await startTlsRedisServer();
    const unknown = createAuthority();
    onTestFinished(server.remove);
    onTestFinished(unknown.remove);
    const { caPath, issue } = server.authority;
    const files = unknown.issue("gateway");
    const customer = openStore({ ...singleRedis(server.tlsUrl), tls: { caPath, ...files } }).forCustomer("acme");
    await expect(customer.set(1, { status: "available" })).rejects.toThrow("Redis cannot be reached");
    const renewed = issue("gateway");
    await copyFile(renewed.certPath, files.certPath);
    await copyFile(renewed.keyPath, files.keyPath);
    await eventually(() => customer.set(1, { status: "available" }).catch(String)).toMatchObject({ userId: 1 });
  });

  test("says which file cannot be read", async () => {
    const tls = { caPath: "/nowhere/ca.pem" };
    const customer = openStore({ ...singleRedis("rediss://127.0.0.1:1"), tls }).forCustomer("acme");
    await expect(customer.set(1, { status: "available" })).rejects.toThrow(
      'The file "/nowhere/ca.pem" for TLS with Redis cannot be read: ENOENT',
    );
  });
});

describe.skipIf(!hasRedisServer)("with a key prefix", () => {
  test("shares a Redis with gateways of another prefix without seeing their agents", async () => {
    const server = await startRedisServer();
    onTestFinished(server.remove);
    const [acme, globex] = ["acme", "globex"].map((keyPrefix) =>
      openStore({ ...singleRedis(server.url), keyPrefix }).forCustomer("calls"),
    );
    await acme?.set(1, { status: "available" });
    await globex?.set(1, { status: "in_call" });
    const replica = await acme?.open(new AbortController().signal);
    expect(replica?.read(1)?.status).toBe("available");
    const keys = await server.command(["KEYS", "*"]);
    expect(Array.isArray(keys) && keys.filter((key) => !/^\{(acme|globex):00\}:/.test(String(key)))).toEqual([]);
  });
});
