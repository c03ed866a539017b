/** The whole behaviour of the store over each kind of server and connection that `docs/redis.md` has, all of them real. */
import { copyFile, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { createAuthority, hasOpenssl } from "../test/certificates.ts";
import { hasRedisServer, hasValkeyServer, type RedisServer, startRedisServer } from "../test/redis-server.ts";
import { type RedisServerOptions, singleRedis } from "./redis/redis-server-options.ts";
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
  const store = createRedisStore({ server: options, log: { line: () => {}, warning: () => {} } });
  onTestFinished(store.close);
  return store;
}

/** Declares the tests of every store over one server, which all tests share; each test has its own customers. */
async function declareTestsOver(start: () => Promise<Started>): Promise<void> {
  const { server, options } = await start();
  afterAll(server.remove);
  declareStoreTests({ open: async () => [openStore(options), openStore(options)], runs: 5 });
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
      const [, rights = ""] = /^ACL (SETUSER .+)$/m.exec(await readFile("docs/redis.md", "utf8")) ?? [];
      await server.command(["ACL", ...rights.split(" ")]);
      return { server, options: singleRedis(`unix://gateway:secret@${path.join(server.data, "redis.sock")}?db=1`) };
    });
  },
);

/** Starts a Redis with TLS that demands client certificates of its authority. */
async function startWithTls() {
  const { caPath, issue, remove } = createAuthority();
  const own = issue("redis");
  const port = await findFreePort();
  const files = ["--tls-cert-file", own.certPath, "--tls-key-file", own.keyPath, "--tls-ca-cert-file", caPath];
  const server = await startRedisServer([...SETTINGS, "--tls-port", `${port}`, ...files, "--tls-auth-clients", "yes"]);
  return {
    server: {
      ...server,
      async remove() {
        await server.remove();
        remove();
      },
    },
    caPath,
    issue,
    single: singleRedis(`rediss://127.0.0.1:${port}`),
  };
}

const hasTls = hasRedisServer && hasOpenssl;

describe.skipIf(!hasTls)("over TLS with a client certificate and a private authority", async () => {
  if (!hasTls) return;
  await declareTestsOver(async () => {
    const { server, single, caPath, issue } = await startWithTls();
    return { server, options: { ...single, tls: { caPath, ...issue("gateway") } } };
  });
});

describe.skipIf(!hasTls)("over TLS", () => {
  test("needs the authority and the client certificate", async () => {
    const { server, single, caPath, issue } = await startWithTls();
    onTestFinished(server.remove);
    const set = (tls: RedisServerOptions["tls"]) =>
      openStore({ ...single, tls })
        .forCustomer("acme")
        .set(1, { status: "available" });
    await expect(set(issue("gateway"))).rejects.toThrow(
      "self-signed certificate in certificate chain. Set REDIS_TLS_CA",
    );
    await expect(set({ caPath })).rejects.toThrow(/certificate required\. .*set REDIS_TLS_CERT and REDIS_TLS_KEY/);
    await expect(set({ caPath, ...issue("gateway") })).resolves.toMatchObject({ userId: 1 });
  });

  test("takes certificates that were renewed in their files for the next connection", async () => {
    const { server, single, caPath, issue } = await startWithTls();
    onTestFinished(server.remove);
    const unknown = createAuthority();
    onTestFinished(unknown.remove);
    const files = unknown.issue("gateway");
    const store = openStore({ ...single, tls: { caPath, ...files } });
    const customer = store.forCustomer("acme");
    await expect(customer.set(1, { status: "available" })).rejects.toThrow("Redis cannot be reached");
    const renewed = issue("gateway");
    await copyFile(renewed.certPath, files.certPath);
    await copyFile(renewed.keyPath, files.keyPath);
    await eventually(() => customer.set(1, { status: "available" }).catch(String)).toMatchObject({ userId: 1 });
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
