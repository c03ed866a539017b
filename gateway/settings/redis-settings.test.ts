import { basename, dirname } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createAuthority, hasOpenssl } from "../test/certificates.ts";
import { printSettings } from "./print-settings.ts";
import { readSettings } from "./settings.ts";
import { describeRedis } from "./summary.ts";
import { messageFor } from "./test-settings.ts";

const PASSWORD = "s3cret";
const SENTINELS = `redis://gateway:${PASSWORD}@one:26379,redis://two:26379`;

/** Lines to the operator, which contain no password. */
function problemsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  const message = messageFor(environment);
  expect(message).not.toContain(PASSWORD);
  return message.split("\n");
}

test("reads the store in a Redis that Sentinels know", () => {
  const environment = {
    REDIS_URL: "redis://gateway:secret@one,redis://two",
    REDIS_MODE: "sentinel",
    REDIS_SENTINEL_NAME: "calls",
    REDIS_SENTINEL_USER: "asker",
    REDIS_SENTINEL_PASSWORD: PASSWORD,
    REDIS_KEY_PREFIX: "acme:calls",
  };
  expect(readSettings(environment).redis).toEqual({
    addresses: ["redis://gateway:secret@one", "redis://gateway:secret@two"],
    mode: "sentinel",
    sentinelName: "calls",
    sentinelLogin: { user: "asker", password: PASSWORD },
    keyPrefix: "acme:calls",
  });
});

test.each([
  [{ REDIS_URL: `redis://a:${PASSWORD}@redis/1` }, "Redis at redis://redis/1"],
  [{ REDIS_URL: `unix://a:${PASSWORD}@/run/redis.sock?db=1` }, "Redis at unix:///run/redis.sock"],
  [
    { REDIS_URL: SENTINELS, REDIS_MODE: "cluster", REDIS_KEY_PREFIX: "calls" },
    "a Redis Cluster with nodes at redis://one:26379, redis://two:26379, with the key prefix calls",
  ],
  [
    { REDIS_URL: SENTINELS, REDIS_MODE: "sentinel", REDIS_SENTINEL_NAME: "calls", REDIS_SENTINEL_PASSWORD: PASSWORD },
    "the Redis that Sentinels call calls, with Sentinels at redis://one:26379, redis://two:26379",
  ],
])("describes %j to the operator without user and password", (environment, text) => {
  const { redis } = readSettings(environment);
  expect(redis && describeRedis(redis)).toBe(text);
});

test("takes the address and the password from files", () => {
  const files = { REDIS_URL_FILE: "/url", REDIS_SENTINEL_PASSWORD_FILE: "/password" };
  const sentinel = { REDIS_MODE: "sentinel", REDIS_SENTINEL_NAME: "calls" };
  const readFile = (file: string) => (file === "/url" ? SENTINELS : PASSWORD);
  const settings = readSettings({ ...files, ...sentinel }, readFile);
  expect(settings.redis).toMatchObject({ sentinelLogin: { password: PASSWORD } });
  expect(printSettings(settings)).not.toContain(PASSWORD);
});

test("reports all problems at once", () => {
  const environment = {
    REDIS_URL: SENTINELS,
    REDIS_SENTINEL_NAME: "calls",
    REDIS_KEY_PREFIX: "calls{1}",
    REDIS_TLS_CA: "/nowhere/ca.pem",
    REDIS_TLS_CERT: "/nowhere/cert.pem",
  };
  expect(problemsOf(environment)).toEqual([
    'REDIS_KEY_PREFIX: "calls{1}" is not a prefix of 1 to 100 letters, digits and the characters . _ : - without a colon at its end, for example REDIS_KEY_PREFIX=availability-bridge',
    "REDIS_URL: has 2 addresses, and REDIS_MODE=single has one: set REDIS_MODE to cluster or sentinel, and write a comma of a password as %2C",
    "REDIS_SENTINEL_NAME: is set, and has an effect only with REDIS_MODE=sentinel",
    "REDIS_TLS_CA: is set, and has an effect only on addresses with rediss:// or valkeys:// in REDIS_URL",
    "REDIS_TLS_CERT: is set, and has an effect only on addresses with rediss:// or valkeys:// in REDIS_URL",
    "REDIS_TLS_CERT: is set alone: a client certificate needs REDIS_TLS_CERT and REDIS_TLS_KEY",
    'REDIS_TLS_CA: "/nowhere/ca.pem" names a file that does not exist',
    'REDIS_TLS_CERT: "/nowhere/cert.pem" names a file that does not exist',
  ]);
});

const SENTINEL = { REDIS_MODE: "sentinel", REDIS_SENTINEL_NAME: "calls" };

test.each([
  [
    { REDIS_URL: "redis://redis", REDIS_MODE: "clusters" },
    'REDIS_MODE: "clusters" is not one of single, cluster, sentinel, for example REDIS_MODE=single',
  ],
  [{ REDIS_KEY_PREFIX: "calls" }, "REDIS_KEY_PREFIX: is set without REDIS_URL, the address of Redis"],
  [
    { REDIS_URL: SENTINELS, REDIS_MODE: "sentinel" },
    "REDIS_SENTINEL_NAME: is not set, and REDIS_MODE=sentinel needs the name that the Sentinels give the primary, for example REDIS_SENTINEL_NAME=mymaster",
  ],
  [
    { REDIS_URL: SENTINELS, ...SENTINEL, REDIS_SENTINEL_USER: "asker" },
    "REDIS_SENTINEL_USER: is set without REDIS_SENTINEL_PASSWORD",
  ],
  [
    { REDIS_URL: "redis://redis", REDIS_SENTINEL_PASSWORD: PASSWORD },
    "REDIS_SENTINEL_PASSWORD: is set, and has an effect only with REDIS_MODE=sentinel",
  ],
  [
    { REDIS_URL: "unix:///run/redis.sock", REDIS_MODE: "cluster" },
    "REDIS_URL: has the path of a socket, which leads to one Redis only, and REDIS_MODE=cluster needs hosts",
  ],
  [
    { REDIS_URL: "redis://redis/3", REDIS_MODE: "cluster" },
    "REDIS_URL: names database 3, and a Redis Cluster has database 0 only",
  ],
  [
    { REDIS_URL: "rediss://one,redis://two", ...SENTINEL },
    "REDIS_URL: has addresses with TLS and addresses without: all of them need the same scheme",
  ],
  [
    { REDIS_URL: `redis://one,redis://:${PASSWORD}@two`, ...SENTINEL },
    "REDIS_URL: has another user, password or database in address 2 than in address 1: write them in address 1, and they hold for all",
  ],
])("rejects %j", (environment, problem) => {
  expect(problemsOf(environment)).toEqual([problem]);
});

test.each(["acme", "acme:calls", "a.b_c-1"])("accepts the key prefix %s", (prefix) => {
  expect(readSettings({ REDIS_URL: "redis://redis", REDIS_KEY_PREFIX: prefix }).redis?.keyPrefix).toBe(prefix);
});

test.each(["acme:", "a b", "{acme}", "acme*", "a".repeat(101)])("rejects the key prefix %s", (prefix) => {
  expect(problemsOf({ REDIS_URL: "redis://redis", REDIS_KEY_PREFIX: prefix })).toEqual([
    expect.stringMatching(/^REDIS_KEY_PREFIX: ".*" is not a prefix of 1 to 100 letters/),
  ]);
});

describe.skipIf(!hasOpenssl)("of the files with certificates", () => {
  test("keeps the paths", () => {
    const { caPath, issue, remove } = createAuthority();
    onTestFinished(remove);
    const { certPath, keyPath } = issue("gateway");
    const files = { REDIS_TLS_CA: caPath, REDIS_TLS_CERT: certPath, REDIS_TLS_KEY: keyPath };
    expect(readSettings({ REDIS_URL: "rediss://redis", ...files }).redis).toMatchObject({
      tls: { caPath, certPath, keyPath },
    });
  });

  test("finds them among the credentials of systemd", () => {
    const { caPath, remove } = createAuthority();
    onTestFinished(remove);
    const credentials = { CREDENTIALS_DIRECTORY: dirname(caPath), REDIS_TLS_CA: basename(caPath) };
    expect(readSettings({ REDIS_URL: "rediss://redis", ...credentials }).redis?.tls).toEqual({ caPath });
  });

  test("reports a file with something else", () => {
    const { caPath, issue, remove } = createAuthority();
    onTestFinished(remove);
    const { certPath, keyPath } = issue("gateway");
    const files = { REDIS_TLS_CA: keyPath, REDIS_TLS_CERT: keyPath, REDIS_TLS_KEY: caPath };
    expect(problemsOf({ REDIS_URL: "rediss://redis", ...files })).toEqual([
      `REDIS_TLS_CA: ${JSON.stringify(keyPath)} names a file without a certificate in PEM format`,
      `REDIS_TLS_CERT: ${JSON.stringify(keyPath)} names a file without a certificate in PEM format`,
      `REDIS_TLS_KEY: ${JSON.stringify(caPath)} names a file without a private key that is not encrypted in PEM format`,
    ]);
    const another = { REDIS_TLS_CERT: certPath, REDIS_TLS_KEY: issue("another").keyPath };
    expect(problemsOf({ REDIS_URL: "rediss://redis", ...another })).toEqual([
      "REDIS_TLS_KEY: names a file with another key than that of the certificate in REDIS_TLS_CERT",
    ]);
  });
});
