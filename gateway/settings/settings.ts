import * as v from "valibot";
import {
  readTokenSettingsFromEnv,
  TOKEN_VARIABLES,
  type TokenSettingsFromEnv,
} from "../auth/token-settings-from-env.ts";
import {
  PROXY_VARIABLES,
  type ProxySettings,
  readProxySettings,
  withUpperCaseProxies,
} from "../egress/proxy-settings.ts";
import { OPERATION_VARIABLES, type OperationSettings, toOperationSettings } from "../operations/operation-settings.ts";
import type { RedisServerOptions } from "../store/redis/redis-server-options.ts";
import { MAX_TIMEOUT_MS, MIN_TIMEOUT_MS } from "../upstream/aircall/settings.ts";
import { CustomerLimits, type CustomerSettings, UNLIMITED } from "./customer-settings.ts";
import { readCustomersFile } from "./customers-file.ts";
import { type EffectiveVariable, listEffectiveVariables } from "./effective-variables.ts";
import { Host, listVariables, Port, Seconds, type Variable } from "./env-schemas.ts";
import type { Environment } from "./environment.ts";
import { chooseOriginSchema, createOriginList } from "./origin-list.ts";
import { describePaddedValues } from "./padded-values.ts";
import { REDIS_VARIABLES, readRedisSettings } from "./redis-settings.ts";
import { describeRepeatedSecrets } from "./repeated-secrets.ts";
import { type ReadFile, readTextFile, resolveFiles, toFileVariable } from "./secret-files.ts";
import { describeSharedPort } from "./shared-port.ts";
import { readTlsSettings, TLS_VARIABLES, type TlsSettings } from "./tls-settings.ts";
import { findUnknownVariables } from "./unknown-variables.ts";
import { describeVolatileCustomers } from "./volatile-customers.ts";

/** Settings of the gateway, from the environment and from the file in `GATEWAY_CONFIG`. */
export interface Settings {
  /** Address to listen on, from `GATEWAY_HOST`. @default "127.0.0.1" */
  readonly host: string;
  /** Port to listen on, from `GATEWAY_PORT`; 0 takes a free one. @default 4100 */
  readonly port: number;
  /**
   * Customers, from the file in `GATEWAY_CONFIG`. Without a file there is one customer, called `demo`, with
   * `allowedOrigins` from `ALLOWED_ORIGINS` and `tokens` from `JWT_…`.
   *
   * @default http://localhost:4000, the demo page's origin; with `NODE_ENV=production` there is no default.
   */
  readonly customers: readonly CustomerSettings[];
  /** Id of the customer for addresses without a customer. */
  readonly defaultCustomer: string;
  /** True if no customers are configured. The gateway then serves sample agents. */
  readonly isDemo: boolean;
  /** True if a read needs no token, because neither customers nor tokens are configured. */
  readonly anonymousReads: boolean;
  /** Redis that stores the availabilities, from `REDIS_URL` and other `REDIS_…`. @default this process's memory */
  readonly redis: RedisServerOptions | undefined;
  /**
   * Greatest age of an availability while the store or the upstream is down, in seconds, from `STALE_LIMIT_SECONDS`.
   * @default 60
   */
  readonly staleLimitSeconds: number;
  /**
   * Time for which browsers use `embed.js` without asking for a newer one, in seconds, from `SCRIPT_MAX_AGE_SECONDS`.
   * @default 300
   */
  readonly scriptMaxAgeSeconds: number;
  /** Timeout for a telephony system's response, in milliseconds, from `UPSTREAM_TIMEOUT_MS`. @default 10000 */
  readonly upstreamTimeoutMs: number;
  /** Certificate and key of the port, from `GATEWAY_TLS_CERT` and `GATEWAY_TLS_KEY`. @default none: the port has no TLS */
  readonly tls: TlsSettings | undefined;
  readonly operation: OperationSettings;
  /** Proxies for calls to key sets and telephony systems, from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. @default none */
  readonly egressProxies: ProxySettings | undefined;
  /**
   * Lines for the operator: variables without effect, such as misspelt ones, values with white space, secrets given twice,
   * and customers whose data ends with the process.
   */
  readonly warnings: readonly string[];
  /** Value and origin of each variable, by its name. */
  readonly variables: Readonly<Record<string, EffectiveVariable>>;
  /** Origin of each value of the customers' file by its path; empty without a file. Defaults are left out. */
  readonly customerOrigins: ReadonlyMap<string, string>;
}

/** The gateway cannot start with these settings. The operator has to act: the message has one line per problem. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** Greatest `SCRIPT_MAX_AGE_SECONDS`: for longer a page would run a withdrawn script, and no operator could end it. */
const MAX_SCRIPT_AGE_SECONDS = 86_400;

/** Id of the only customer if no customers are configured. */
export const DEMO_CUSTOMER = "demo";

const UpstreamTimeout = v.pipe(
  v.string(),
  v.regex(/^\d{1,6}$/, ({ input }) => `${JSON.stringify(input)} is not a whole number of milliseconds`),
  v.transform(Number),
  v.check(
    (ms) => ms >= MIN_TIMEOUT_MS && ms <= MAX_TIMEOUT_MS,
    ({ input }) => `${input} milliseconds are not between ${MIN_TIMEOUT_MS} and ${MAX_TIMEOUT_MS}`,
  ),
);

const ScriptMaxAge = v.pipe(
  Seconds,
  v.maxValue(MAX_SCRIPT_AGE_SECONDS, ({ input }) => `${input} seconds are more than ${MAX_SCRIPT_AGE_SECONDS}, a day`),
);

/**
 * Schemas of the environment's variables, with their documentation. `readTokenSettingsFromEnv` reads the variables of
 * tokens.
 */
const SCHEMAS = {
  GATEWAY_PORT: v.pipe(
    v.optional(Port, "4100"),
    v.metadata({ meaning: "port to listen on, 0 for a free one", example: "4100" }),
  ),
  GATEWAY_HOST: v.pipe(
    v.optional(Host, "127.0.0.1"),
    v.metadata({ meaning: "address to listen on", example: "127.0.0.1" }),
  ),
  GATEWAY_CONFIG: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning: "path of the customers' file; without it the gateway is a demo",
      example: "gateway.config.json",
    }),
  ),
  STALE_LIMIT_SECONDS: v.pipe(
    v.optional(Seconds, "60"),
    v.metadata({
      meaning: "greatest age of an availability, in seconds, while Redis or an upstream is down",
      example: "60",
    }),
  ),
  SCRIPT_MAX_AGE_SECONDS: v.pipe(
    v.optional(ScriptMaxAge, "300"),
    v.metadata({
      meaning: `seconds for which browsers use embed.js without asking for a newer one, at most ${MAX_SCRIPT_AGE_SECONDS}; 0 to ask at each page`,
      example: "300",
    }),
  ),
  UPSTREAM_TIMEOUT_MS: v.pipe(
    v.optional(UpstreamTimeout, "10000"),
    v.metadata({
      meaning: `milliseconds to wait for a telephony system's response, ${MIN_TIMEOUT_MS} to ${MAX_TIMEOUT_MS}`,
      example: "10000",
    }),
  ),
  ALLOWED_ORIGINS: v.pipe(
    v.optional(createOriginList(), "http://localhost:4000"),
    v.metadata({
      meaning:
        "exact origins of the pages that may embed the widget, with commas between them, without GATEWAY_CONFIG; no default with NODE_ENV=production",
      example: "https://crm.example.com,https://help.example.com",
    }),
  ),
  ...TLS_VARIABLES,
  ...OPERATION_VARIABLES,
  NODE_ENV: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "production demands ALLOWED_ORIGINS or GATEWAY_CONFIG", example: "production" }),
  ),
};

/** Variables of the gateway, in the order of `--help`. */
export const VARIABLES: readonly Variable[] = [
  ...listVariables(SCHEMAS),
  ...REDIS_VARIABLES,
  ...PROXY_VARIABLES,
  ...TOKEN_VARIABLES,
];

/** Variables that `NAME_FILE` may give the path of a file for. */
const SECRET_VARIABLES = VARIABLES.filter(({ isSecret }) => isSecret).map(({ name }) => name);

/**
 * Reads and validates the settings from environment variables and from the file in `GATEWAY_CONFIG`.
 *
 * @throws {SettingsError} if any value is bad, with one line per problem.
 */
export function readSettings(given: Environment, readFile: ReadFile = readTextFile): Settings {
  const fileProblems: string[] = [];
  const problems: string[] = [];
  const own = resolveFiles(withUpperCaseProxies(given), SECRET_VARIABLES, { readFile, problems: fileProblems });
  const { environment } = own;
  const read = readVariables(environment, problems);
  if (read) problems.push(...describeSharedPort(read));
  const redis = readRedisSettings(environment, problems, readFile);
  const configured = environment["GATEWAY_CONFIG"] ? readCustomersFile(own, readFile, problems) : undefined;
  const warnings = findUnknownVariables(environment, {
    known: [...VARIABLES.map(({ name }) => name), ...SECRET_VARIABLES.map(toFileVariable)],
    referenced: new Set(configured?.references.flatMap((name) => [name, toFileVariable(name)])),
  });
  const unconfigured = readTokenSettingsFromEnv(environment, problems);
  const { customers, defaultCustomer } = configured?.config ?? {
    customers: unconfigured ? [demoCustomer(unconfigured, read?.ALLOWED_ORIGINS)] : [],
    defaultCustomer: DEMO_CUSTOMER,
  };
  const tlsWarnings: string[] = [];
  const tls = readTlsSettings(environment, { readFile, problems, warnings: tlsWarnings });
  const egressProxies = readProxySettings(environment, customers, problems);
  // Values of unreadable files would cause second problems.
  const valueProblems = problems.filter((problem) => !own.unreadable.has(problem.split(":", 1)[0] ?? ""));
  if (!read || fileProblems.length + valueProblems.length > 0)
    throw new SettingsError([...fileProblems, ...valueProblems, ...warnings].join("\n"));
  const { GATEWAY_HOST: host, GATEWAY_PORT: port, STALE_LIMIT_SECONDS: staleLimitSeconds } = read;
  return {
    host,
    port,
    customers,
    defaultCustomer,
    isDemo: !configured,
    anonymousReads: unconfigured?.isDemo ?? false,
    redis,
    staleLimitSeconds,
    scriptMaxAgeSeconds: read.SCRIPT_MAX_AGE_SECONDS,
    upstreamTimeoutMs: read.UPSTREAM_TIMEOUT_MS,
    operation: toOperationSettings(read),
    tls,
    egressProxies,
    warnings: [
      ...warnings,
      // The demo says by itself that it serves from memory.
      ...(configured ? describeVolatileCustomers(customers, redis) : []),
      ...describePaddedValues(customers, redis),
      ...describeRepeatedSecrets(customers),
      ...tlsWarnings,
    ],
    variables: listEffectiveVariables(VARIABLES, own),
    customerOrigins: configured?.config?.origins ?? new Map(),
  };
}

/** Creates the demo's customer. Its limits apply only with tokens, which distinguish the callers. */
function demoCustomer(
  { tokens, isDemo }: TokenSettingsFromEnv,
  allowedOrigins: readonly string[] = [],
): CustomerSettings {
  const limits = isDemo ? UNLIMITED : v.parse(CustomerLimits, {});
  return { id: DEMO_CUSTOMER, allowedOrigins, tokens, upstream: { kind: "memory" }, limits };
}

function readVariables(environment: Environment, problems: string[]) {
  const { NODE_ENV, GATEWAY_CONFIG, ALLOWED_ORIGINS } = environment;
  // Shells and compose files set a variable to the empty text to unset a value.
  const given = (name: string): string | undefined => environment[name] || undefined;
  const origins = chooseOriginSchema({ NODE_ENV, GATEWAY_CONFIG }) ?? SCHEMAS.ALLOWED_ORIGINS;
  const variables = { ...SCHEMAS, ALLOWED_ORIGINS: origins };
  const result = v.safeParse(v.object(variables), {
    ...Object.fromEntries(Object.keys(variables).map((name) => [name, given(name)])),
    // An empty list of origins means no origin, and must not become the default.
    ALLOWED_ORIGINS,
  });
  if (!result.success) problems.push(...result.issues.map(describeIssue));
  return result.success ? result.output : undefined;
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const name = v.getDotPath(issue) ?? "";
  if (issue.type === "never") return `${name}: ${issue.message}: remove it`;
  const example = VARIABLES.find((variable) => variable.name === name)?.example ?? "";
  return `${name}: ${issue.message}, for example ${name}=${example}`;
}
