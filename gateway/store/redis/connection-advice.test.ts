import { describe, expect, onTestFinished, test, vi } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { hasRedisServer, startRedisServer } from "../../test/redis-server.ts";
import { hasSentinel, startSentinel } from "../../test/sentinel-group.ts";
import { hasTlsRedisServer, startTlsRedisServer } from "../../test/tls-redis-server.ts";
import { createStoreKeys } from "./keys.ts";
import { openConnection } from "./open-connection.ts";
import { DEFAULT_KEY_PREFIX, singleRedis } from "./redis-server-options.ts";

const keys = createStoreKeys(DEFAULT_KEY_PREFIX);
const monotonic = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

async function open(url: string) {
  const connection = await openConnection({
    server: singleRedis(url),
    keys,
    timeoutMs: 2_000,
    waitMs: 100,
    monotonic,
  });
  onTestFinished(() => connection.close(new Error("The test has finished")));
  return connection;
}

/** Starts a Redis with TLS. Returns its address. */
async function startWithTls(clientCertificates: "yes" | "no"): Promise<string> {
  const server = await startTlsRedisServer(["--tls-auth-clients", clientCertificates]);
  onTestFinished(server.remove);
  return server.tlsUrl;
}

async function start(settings: readonly string[] = []): Promise<string> {
  const server = await startRedisServer(settings);
  onTestFinished(server.remove);
  return server.url;
}

describe.skipIf(!hasRedisServer)("the reason why a Redis cannot be used names the setting to change", () => {
  test.skipIf(!hasTlsRedisServer)("for a certificate of a private authority: REDIS_TLS_CA", async () => {
    await expect(open(await startWithTls("no"))).rejects.toThrow(
      /^Redis cannot be reached: self-signed certificate in certificate chain\. Set REDIS_TLS_CA to /,
    );
  });

  test.skipIf(!hasTlsRedisServer)(
    "for a Redis that demands client certificates: REDIS_TLS_CERT, without OpenSSL's own text",
    async () => {
      vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
      onTestFinished(() => void vi.unstubAllEnvs());
      const url = await startWithTls("yes");
      // With TLS 1.3 the server rejects the client after the client has taken the connection for open.
      const failure = open(url).then((connection) => connection.read(0));
      await expect(failure).rejects.toThrow(
        /^Redis cannot be reached: tlsv13 alert certificate required\. .*set REDIS_TLS_CERT and REDIS_TLS_KEY/,
      );
    },
  );

  test("for rediss:// to a port without TLS: redis://", async () => {
    await expect(open((await start()).replace("redis:", "rediss:"))).rejects.toThrow(
      /^Redis (did not reply within 2000 ms|cannot be reached: Connection timeout)\. If Redis has no TLS at this port, write redis:\/\/ in REDIS_URL$/,
    );
  });

  test("for a user without the rights of docs/redis.md: the rights", async () => {
    const server = await startRedisServer();
    onTestFinished(server.remove);
    await server.command(["ACL", "SETUSER", "gateway", "on", ">secret", "~other:*", "+@all"]);
    const connection = await open(server.url.replace("//", "//gateway:secret@"));
    await expect(connection.read(0)).rejects.toThrow(/^Redis rejected the command: NOPERM .*docs\/redis\.md/);
  });

  test.each([
    ["", /^Redis cannot be reached: NOAUTH .*[^.]\. Redis demands a password, and REDIS_URL has none;/],
    [":wrong@", /^Redis cannot be reached: WRONGPASS .*[^.]\. Check the user and the password in REDIS_URL/],
  ])("for the credentials %j: the user and the password", async (credentials, message) => {
    const url = await start(["--requirepass", "right"]);
    await expect(open(url.replace("//", `//${credentials}`))).rejects.toThrow(message);
  });

  test("for a cluster: REDIS_MODE", async () => {
    // Otherwise the cluster's own port would be the server's plus 10,000, which a connection of another test may hold.
    const clusterPort = await findFreePort();
    const connection = await open(await start(["--cluster-enabled", "yes", "--cluster-port", `${clusterPort}`]));
    await expect(connection.read(0)).rejects.toThrow(
      "CLUSTERDOWN Hash slot not served. If the server is a Redis Cluster, set REDIS_MODE=cluster",
    );
  });

  test.skipIf(!hasSentinel)("for a Sentinel: REDIS_MODE", async () => {
    const connection = await open((await startSentinel([])).url);
    await expect(connection.read(0)).rejects.toThrow(
      "If the server is a Redis Sentinel, set REDIS_MODE=sentinel and REDIS_SENTINEL_NAME; otherwise it is no Redis 7",
    );
  });
});
