import type { RedisAddress } from "./redis-address.ts";

/** Values of the variables; `undefined` for a variable that is not set. */
type Given = ReadonlyMap<string, string | undefined>;

/**
 * Describes how variables of the store in Redis do not fit together, with a line for each problem. `addresses` are the valid
 * addresses of `REDIS_URL`.
 */
export function describeMisfits(given: Given, addresses: readonly RedisAddress[]): readonly string[] {
  if (given.get("REDIS_URL") === undefined) {
    return listSet(given, [...given.keys()]).map((name) => `${name}: is set without REDIS_URL, the address of Redis`);
  }
  return [
    ...describeAddresses(given.get("REDIS_MODE") ?? "single", addresses),
    ...describeSentinel(given),
    ...describeTls(given, addresses),
  ];
}

function listSet(given: Given, names: readonly string[]): readonly string[] {
  return names.filter((name) => given.get(name) !== undefined);
}

/** Describes addresses that do not fit the mode or one another. No line has an address, which may have a password. */
function describeAddresses(mode: string, addresses: readonly RedisAddress[]): readonly string[] {
  const [first] = addresses;
  if (!first) return [];
  const count = addresses.length;
  const differs = addresses.findIndex(({ login }) => login !== "" && login !== first.login);
  const problems = [
    mode === "single" &&
      count > 1 &&
      `has ${count} addresses, and REDIS_MODE=single has one: set REDIS_MODE to cluster or sentinel, and write a comma of a password as %2C`,
    mode !== "single" &&
      addresses.some(({ isSocketFile }) => isSocketFile) &&
      `has the path of a socket, which leads to one Redis only, and REDIS_MODE=${mode} needs hosts`,
    mode === "cluster" &&
      first.database > 0 &&
      `names database ${first.database}, and a Redis Cluster has database 0 only`,
    new Set(addresses.map(({ usesTls }) => usesTls)).size > 1 &&
      "has addresses with TLS and addresses without: all of them need the same scheme",
    differs > 0 &&
      `has another user, password or database in address ${differs + 1} than in address 1: write them in address 1, and they hold for all`,
  ];
  return problems.filter((problem) => problem !== false).map((problem) => `REDIS_URL: ${problem}`);
}

function describeSentinel(given: Given): readonly string[] {
  const names = ["REDIS_SENTINEL_NAME", "REDIS_SENTINEL_USER", "REDIS_SENTINEL_PASSWORD"];
  if (given.get("REDIS_MODE") !== "sentinel") {
    return listSet(given, names).map((name) => `${name}: is set, and has an effect only with REDIS_MODE=sentinel`);
  }
  const problems = [
    given.get("REDIS_SENTINEL_NAME") === undefined &&
      "REDIS_SENTINEL_NAME: is not set, and REDIS_MODE=sentinel needs the name that the Sentinels give the primary, for example REDIS_SENTINEL_NAME=mymaster",
    given.get("REDIS_SENTINEL_USER") !== undefined &&
      given.get("REDIS_SENTINEL_PASSWORD") === undefined &&
      "REDIS_SENTINEL_USER: is set without REDIS_SENTINEL_PASSWORD",
  ];
  return problems.filter((problem) => problem !== false);
}

function describeTls(given: Given, addresses: readonly RedisAddress[]): readonly string[] {
  const names = listSet(given, ["REDIS_TLS_CA", "REDIS_TLS_CERT", "REDIS_TLS_KEY"]);
  const isUnused = addresses.length > 0 && !addresses.some(({ usesTls }) => usesTls);
  const pair = listSet(given, ["REDIS_TLS_CERT", "REDIS_TLS_KEY"]);
  return [
    ...(isUnused ? names : []).map(
      (name) => `${name}: is set, and has an effect only on addresses with rediss:// or valkeys:// in REDIS_URL`,
    ),
    ...(pair.length === 1 ? pair : []).map(
      (name) => `${name}: is set alone: a client certificate needs REDIS_TLS_CERT and REDIS_TLS_KEY`,
    ),
  ];
}
