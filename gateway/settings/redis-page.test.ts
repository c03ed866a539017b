import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { createAuthority, hasOpenssl } from "../test/certificates.ts";
import { readRedisSettings } from "./redis-settings.ts";

const page = readFileSync(new URL("../../docs/redis.md", import.meta.url), "utf8");

/** The blocks of the page with settings, each as an environment. */
const environments = Array.from(page.matchAll(/^```\n(REDIS_URL=.*?)^```$/gms), ([, text = ""]) =>
  Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => /^(\w+)=(.*)$/.exec(line)?.slice(1) ?? [line, ""]),
  ),
);

/** The addresses in the first column of the table. */
const addresses = Array.from(page.matchAll(/^\| `(\w+:\/\/[^`]+)` \|/gm), ([, address = ""]) => address);

test("shows settings for one Redis, for Sentinels, for TLS and for a cluster, and addresses of each kind", () => {
  expect(environments).toHaveLength(4);
  expect(addresses).toHaveLength(3);
});

describe.skipIf(!hasOpenssl)("the page shows settings that the gateway accepts", () => {
  test.each([...environments, ...addresses.map((address) => ({ REDIS_URL: address }))])("%j", (environment) => {
    const { caPath, issue, remove } = createAuthority();
    onTestFinished(remove);
    const { certPath, keyPath } = issue("gateway");
    const problems: string[] = [];
    const files = new Map([
      [environment["REDIS_TLS_CA"], caPath],
      [environment["REDIS_TLS_CERT"], certPath],
      [environment["REDIS_TLS_KEY"], keyPath],
    ]);
    const redis = readRedisSettings(environment, problems, (path) => readFileSync(files.get(path) ?? "", "utf8"));
    expect(problems).toEqual([]);
    expect(redis?.addresses).toHaveLength(environment["REDIS_URL"]?.split(",").length ?? 0);
  });
});
