import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { findServer } from "../../../scripts/testing/report-missing-servers.mjs";
import { hasRedisServer, startRedisServer } from "../../test/redis-server.ts";
import { openConnection } from "./connection.ts";
import { createStoreKeys } from "./keys.ts";
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

/** Starts a Redis with TLS and a certificate of its own. Returns its address. */
async function startWithTls(clientCertificates: "yes" | "no"): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "redis-tls-"));
  const file = (name: string) => path.join(directory, name);
  const { status, stderr } = spawnSync(
    findServer("openssl") ?? "",
    [
      "req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(" "),
      "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1".split(" "),
      ["-keyout", file("key.pem"), "-out", file("certificate.pem")],
    ].flat(),
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
  const port = await findFreePort();
  const server = await startRedisServer(
    [
      ["--tls-port", `${port}`, "--tls-cert-file", file("certificate.pem"), "--tls-key-file", file("key.pem")],
      ["--tls-ca-cert-file", file("certificate.pem"), "--tls-auth-clients", clientCertificates],
    ].flat(),
  );
  onTestFinished(async () => {
    await server.remove();
    await rm(directory, { recursive: true });
  });
  return `rediss://127.0.0.1:${port}`;
}

/** Starts a Sentinel. Returns its address. */
async function startSentinel(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "sentinel-"));
  const file = path.join(directory, "sentinel.conf");
  const port = await findFreePort();
  await writeFile(file, `port ${port}\nbind 127.0.0.1\n`);
  const child = spawn(findServer("redis-server") ?? "", [file, "--sentinel"], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    await rm(directory, { recursive: true });
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes("Sentinel ID is")) break;
  }
  return `redis://127.0.0.1:${port}`;
}

async function start(settings: readonly string[] = []): Promise<string> {
  const server = await startRedisServer(settings);
  onTestFinished(server.remove);
  return server.url;
}

describe.skipIf(!hasRedisServer)("the reason why a Redis cannot be used names the setting to change", () => {
  test("for a certificate of a private authority: NODE_EXTRA_CA_CERTS", async () => {
    await expect(open(await startWithTls("no"))).rejects.toThrow(
      /^Redis cannot be reached: self-signed certificate\. Set NODE_EXTRA_CA_CERTS to /,
    );
  });

  test("for a Redis that demands client certificates: tls-auth-clients, without OpenSSL's own text", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    onTestFinished(() => void vi.unstubAllEnvs());
    const url = await startWithTls("yes");
    // With TLS 1.3 the server rejects the client after the client has taken the connection for open.
    const failure = open(url).then((connection) => connection.read(0));
    await expect(failure).rejects.toThrow(
      /^Redis cannot be reached: tlsv13 alert certificate required\. .*set tls-auth-clients to no in Redis/,
    );
  });

  test("for rediss:// to a port without TLS: redis://", async () => {
    await expect(open((await start()).replace("redis:", "rediss:"))).rejects.toThrow(
      /^Redis (did not reply within 2000 ms|cannot be reached: Connection timeout)\. If Redis has no TLS at this port, write redis:\/\/ in REDIS_URL$/,
    );
  });

  test.each(["", ":wrong@"])("for the credentials %j: the user and the password", async (credentials) => {
    const url = await start(["--requirepass", "right"]);
    await expect(open(url.replace("//", `//${credentials}`))).rejects.toThrow(
      /^Redis cannot be reached: (NOAUTH|WRONGPASS) .*\. Check the user and the password in REDIS_URL/,
    );
  });

  test("for a cluster: another Redis", async () => {
    // Otherwise the cluster's own port would be the server's plus 10,000, which a connection of another test may hold.
    const clusterPort = await findFreePort();
    const connection = await open(await start(["--cluster-enabled", "yes", "--cluster-port", `${clusterPort}`]));
    await expect(connection.read(0)).rejects.toThrow(
      "CLUSTERDOWN Hash slot not served. The server is a Redis Cluster, which the gateway cannot use",
    );
  });

  test("for a Sentinel: the address of the primary", async () => {
    const connection = await open(await startSentinel());
    await expect(connection.read(0)).rejects.toThrow(
      "The server is a Redis Sentinel, or no Redis 7: set REDIS_URL to the address of the primary itself",
    );
  });
});
