import { readFileSync } from "node:fs";
import * as v from "valibot";
import { type EnvironmentTokens, readTokenEnvironment } from "../auth/token-environment.ts";
import {
  OPERATION_EXAMPLES,
  OPERATION_VARIABLES,
  type OperationSettings,
  toOperationSettings,
} from "../operations/operation-settings.ts";
import { MAX_TIMEOUT_MS, MIN_TIMEOUT_MS } from "../upstream/aircall/settings.ts";
import { whyNoAllowedOrigin } from "./allowed-origin.ts";
import { type Environment, readConfig, whyUnreadable } from "./config-file.ts";
import { CustomerLimits, type CustomerSettings, UNLIMITED } from "./customer-settings.ts";
import { Host, Port, Seconds } from "./variable.ts";

/** What the gateway is told by its environment, and by the file that the environment names. */
export interface Settings {
  /** Address to listen on, from `GATEWAY_HOST`. @default "127.0.0.1" */
  readonly host: string;
  /** Port to listen on, from `GATEWAY_PORT`; 0 takes a free one. @default 4100 */
  readonly port: number;
  /**
   * Who is served, from the file that `GATEWAY_CONFIG` names. Without it there is one customer, called `demo`, whose
   * `allowedOrigins` come from `ALLOWED_ORIGINS` and whose `tokens` from `JWT_…`.
   *
   * @default http://localhost:4000, the demo page's origin; with `NODE_ENV=production` there is no default.
   */
  readonly customers: readonly CustomerSettings[];
  /** Whose addresses name no customer. */
  readonly defaultCustomer: string;
  /** Whether no customers are configured: sample agents are served. */
  readonly isDemo: boolean;
  /** Whether reading needs no token, as where neither customers nor tokens are configured. */
  readonly anonymousReads: boolean;
  /** Where the availabilities are kept, from `REDIS_URL`. @default this process's memory */
  readonly redisUrl: string | undefined;
  /** How old what is served may be while the store or the upstream is away, in seconds, from `STALE_LIMIT_SECONDS`. @default 60 */
  readonly staleLimitSeconds: number;
  /** How long a telephony system may take for an answer, in milliseconds, from `UPSTREAM_TIMEOUT_MS`. @default 10000 */
  readonly upstreamTimeoutMs: number;
  readonly operation: OperationSettings;
}

/** The gateway cannot start with these settings. The operator has to act: the message has one line for each bad one. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** An example of each variable that the gateway reads, by its name. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  GATEWAY_PORT: "4100",
  GATEWAY_HOST: "127.0.0.1",
  ALLOWED_ORIGINS: "https://crm.example.com,https://help.example.com",
  GATEWAY_CONFIG: "gateway.config.json",
  REDIS_URL: "redis://127.0.0.1:6379",
  STALE_LIMIT_SECONDS: "60",
  UPSTREAM_TIMEOUT_MS: "10000",
  ...OPERATION_EXAMPLES,
};

/** The customer that stands for everybody where no customers are configured. */
const DEMO_CUSTOMER = "demo";

const RedisUrl = v.pipe(
  v.string(),
  v.check(
    (text) => URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol),
    // Without the address, which may hold a password.
    "is no address of a Redis server (redis:// or rediss://)",
  ),
);

const UpstreamTimeout = v.pipe(
  v.string(),
  v.regex(/^\d{1,6}$/, ({ input }) => `${JSON.stringify(input)} is no number of whole milliseconds`),
  v.transform(Number),
  v.check(
    (ms) => ms >= MIN_TIMEOUT_MS && ms <= MAX_TIMEOUT_MS,
    ({ input }) => `${input} milliseconds are not between ${MIN_TIMEOUT_MS} and ${MAX_TIMEOUT_MS}`,
  ),
);

const OriginList = v.pipe(
  v.string("is not set, and with NODE_ENV=production it must be"),
  v.transform((list) => [...new Set(list.split(",").map((origin) => origin.trim()))]),
  v.check(
    (origins) => origins.every((origin) => whyNoAllowedOrigin(origin) === undefined),
    ({ input }) => describeBadOrigins(input),
  ),
);

/**
 * The settings in these environment variables and in the file that they name, all of them checked at once.
 *
 * @throws {SettingsError} where any value is bad, with one line for each.
 */
export function readSettings(environment: Environment, readFile: ReadFile = readTextFile): Settings {
  const problems: string[] = [];
  const read = readVariables(environment, problems);
  const configured = environment["GATEWAY_CONFIG"] ? readCustomers(environment, readFile, problems) : undefined;
  const unconfigured = readTokenEnvironment(environment, problems);
  if (!read || problems.length > 0) throw new SettingsError(problems.join("\n"));
  const { GATEWAY_HOST: host, GATEWAY_PORT: port, REDIS_URL: redisUrl, STALE_LIMIT_SECONDS: staleLimitSeconds } = read;
  const { customers, defaultCustomer } = configured ?? {
    customers: unconfigured ? [demoCustomer(unconfigured, read.ALLOWED_ORIGINS)] : [],
    defaultCustomer: DEMO_CUSTOMER,
  };
  return {
    host,
    port,
    customers,
    defaultCustomer,
    isDemo: !configured,
    anonymousReads: unconfigured?.areDemo ?? false,
    redisUrl,
    staleLimitSeconds,
    upstreamTimeoutMs: read.UPSTREAM_TIMEOUT_MS,
    operation: toOperationSettings(read),
  };
}

/** With tokens of its own it is limited like any other: its callers are told apart. */
function demoCustomer(
  { tokens, areDemo }: EnvironmentTokens,
  allowedOrigins: readonly string[] = [],
): CustomerSettings {
  const limits = areDemo ? UNLIMITED : v.parse(CustomerLimits, {});
  return { id: DEMO_CUSTOMER, allowedOrigins, tokens, upstream: { kind: "memory" }, limits };
}

type ReadFile = (path: string) => string;

function readTextFile(path: string): string {
  return readFileSync(path, "utf8");
}

function readVariables(environment: Environment, problems: string[]) {
  const { NODE_ENV, GATEWAY_CONFIG, ALLOWED_ORIGINS } = environment;
  // Shells and compose files leave a variable empty to mean that it is not set.
  const given = (name: string): string | undefined => environment[name] || undefined;
  const variables = {
    GATEWAY_PORT: v.optional(Port, "4100"),
    GATEWAY_HOST: v.optional(Host, "127.0.0.1"),
    REDIS_URL: v.optional(RedisUrl),
    STALE_LIMIT_SECONDS: v.optional(Seconds, "60"),
    UPSTREAM_TIMEOUT_MS: v.optional(UpstreamTimeout, "10000"),
    ALLOWED_ORIGINS: allowedOrigins(NODE_ENV, GATEWAY_CONFIG),
    ...OPERATION_VARIABLES,
  };
  const result = v.safeParse(v.object(variables), {
    ...Object.fromEntries(Object.keys(variables).map((name) => [name, given(name)])),
    // Not so here: whoever empties this list means nobody, and must not get the default.
    ALLOWED_ORIGINS,
  });
  if (!result.success) problems.push(...result.issues.map(describeIssue));
  return result.success ? result.output : undefined;
}

function allowedOrigins(mode: string | undefined, configPath: string | undefined) {
  if (configPath) return v.optional(v.never("is set beside GATEWAY_CONFIG, whose customers have origins of their own"));
  return mode === "production" ? OriginList : v.optional(OriginList, "http://localhost:4000");
}

function readCustomers(environment: Environment, readFile: ReadFile, problems: string[]) {
  const path = environment["GATEWAY_CONFIG"] ?? "";
  try {
    const read = readConfig(readFile(path), environment);
    if ("config" in read) {
      const { customers, defaultCustomer = customers[0]?.id ?? "" } = read.config;
      return { customers, defaultCustomer };
    }
    problems.push(...read.problems.map((problem) => `${path}: ${problem}`));
  } catch (error) {
    problems.push(`GATEWAY_CONFIG: ${JSON.stringify(path)} ${whyUnreadable(error)}`);
  }
  return undefined;
}

function describeBadOrigins(origins: readonly string[]): string {
  return origins
    .map((origin) => ({ origin, why: whyNoAllowedOrigin(origin) }))
    .filter(({ why }) => why !== undefined)
    .map(({ origin, why }) => `${JSON.stringify(origin)} is no exact origin (it ${why})`)
    .join("; ");
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const name = v.getDotPath(issue) ?? "";
  return `${name}: ${issue.message}, for example ${name}=${EXAMPLES[name]}`;
}
