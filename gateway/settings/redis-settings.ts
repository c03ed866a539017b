import * as v from "valibot";
import { DEFAULT_KEY_PREFIX, type RedisMode, type RedisServerOptions } from "../store/redis/redis-server-options.ts";
import { listVariables } from "./env-schemas.ts";
import type { Environment } from "./environment.ts";
import { readRedisAddresses, withLogin } from "./redis-address.ts";
import { describeMisfits } from "./redis-misfits.ts";
import { checkRedisTlsFiles } from "./redis-tls-files.ts";
import { type ReadFile, readTextFile } from "./secret-files.ts";

const MODES = ["single", "cluster", "sentinel"] as const satisfies readonly RedisMode[];

const Mode = v.picklist(MODES, ({ input }) => `${JSON.stringify(input)} is not one of ${MODES.join(", ")}`);

const KeyPrefix = v.pipe(
  v.string(),
  v.regex(
    /^[\w.:-]{0,99}[\w.-]$/,
    ({ input }) =>
      `${JSON.stringify(input)} is not a prefix of 1 to 100 letters, digits and the characters . _ : - without a colon at its end`,
  ),
);

/** Schemas of the variables, with their documentation. */
const SCHEMAS = {
  REDIS_URL: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning:
        "addresses of the Redis or Valkey that stores the availabilities, with commas between them: redis://, rediss://, valkey://, valkeys:// or unix://; without any they are in the process's memory",
      example: "redis://127.0.0.1:6379",
      isSecret: true,
    }),
  ),
  REDIS_MODE: v.pipe(
    v.optional(Mode, "single"),
    v.metadata({
      meaning:
        "what the addresses are: one Redis (single), nodes of a Redis Cluster (cluster), or Sentinels (sentinel)",
      example: "single",
    }),
  ),
  REDIS_SENTINEL_NAME: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "name under which the Sentinels know the primary", example: "mymaster" }),
  ),
  REDIS_SENTINEL_USER: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "user at the Sentinels, if they need one", example: "gateway" }),
  ),
  REDIS_SENTINEL_PASSWORD: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "password at the Sentinels, if they need one", example: "(a password)", isSecret: true }),
  ),
  REDIS_KEY_PREFIX: v.pipe(
    v.optional(KeyPrefix, DEFAULT_KEY_PREFIX),
    v.metadata({
      meaning: "start of every key in Redis; the same for all gateways that share their availabilities",
      example: DEFAULT_KEY_PREFIX,
    }),
  ),
  REDIS_TLS_CA: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning: "path of a PEM file with the authorities of Redis's certificate, in place of Node's",
      example: "/etc/availability-gateway/redis-ca.pem",
    }),
  ),
  REDIS_TLS_CERT: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning: "path of a PEM file with the gateway's client certificate",
      example: "/etc/availability-gateway/redis-client.pem",
    }),
  ),
  REDIS_TLS_KEY: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning: "path of a PEM file with the client certificate's private key",
      example: "/etc/availability-gateway/redis-client-key.pem",
    }),
  ),
};

/** Variables of the store in Redis, in the order of `--help`. */
export const REDIS_VARIABLES = listVariables(SCHEMAS);

const Variables = v.object(SCHEMAS);

/**
 * Reads the variables of the store in Redis, and checks that they fit together. Adds a line to `problems` for each
 * problem; no line contains a password. Returns `undefined` without `REDIS_URL`, and if there is a problem.
 */
export function readRedisSettings(
  environment: Environment,
  problems: string[],
  readFile: ReadFile = readTextFile,
): RedisServerOptions | undefined {
  // Shells and compose files set a variable to the empty text to unset a value.
  const given = new Map(REDIS_VARIABLES.map(({ name }) => [name, environment[name] || undefined]));
  const variables = v.safeParse(Variables, Object.fromEntries(given));
  const url = given.get("REDIS_URL");
  const read = url === undefined ? { addresses: [], problems: [] } : readRedisAddresses(url);
  const files = checkRedisTlsFiles(environment, readFile);
  const found = [
    ...(variables.issues ?? []).map((issue) => withExample(v.getDotPath(issue) ?? "", issue.message)),
    ...read.problems.map((problem) => withExample("REDIS_URL", problem)),
    ...describeMisfits(given, read.addresses),
    ...(url === undefined ? [] : files.problems),
  ];
  problems.push(...found);
  const [first] = read.addresses;
  if (found.length > 0 || !variables.success || !first) return undefined;
  const options = toOptions(variables.output);
  const addresses = read.addresses.map((address) => withLogin(address, first).text);
  const hasFiles = (files.tls.caPath ?? files.tls.certPath) !== undefined;
  return { ...options, addresses, ...(hasFiles && { tls: files.tls }) };
}

function toOptions(variables: v.InferOutput<typeof Variables>): Omit<RedisServerOptions, "addresses"> {
  const { REDIS_SENTINEL_USER: user, REDIS_SENTINEL_PASSWORD: password } = variables;
  return {
    mode: variables.REDIS_MODE,
    keyPrefix: variables.REDIS_KEY_PREFIX,
    ...(variables.REDIS_SENTINEL_NAME !== undefined && { sentinelName: variables.REDIS_SENTINEL_NAME }),
    ...(password !== undefined && { sentinelLogin: { user, password } }),
  };
}

function withExample(name: string, problem: string): string {
  const example = REDIS_VARIABLES.find((variable) => variable.name === name)?.example ?? "";
  return `${name}: ${problem}, for example ${name}=${example}`;
}
