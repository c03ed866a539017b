import { randomBytes } from "node:crypto";
import * as v from "valibot";
import type { Variable } from "../settings/env-schemas.ts";
import type { Environment } from "../settings/environment.ts";
import { DEFAULT_LEEWAY_SECONDS, DEFAULT_LIFETIME_SECONDS, TokenSettings } from "./token-settings.ts";

/** Settings for the tokens of a gateway without `GATEWAY_CONFIG`. */
export interface TokenSettingsFromEnv {
  readonly tokens: TokenSettings;
  /** True if no `JWT_…` variable is set, so that the settings are those of the demo page. */
  readonly isDemo: boolean;
}

/** Variable of each setting. */
const NAMES: Readonly<Record<string, string>> = {
  algorithm: "JWT_ALGORITHM",
  issuer: "JWT_ISSUER",
  audience: "JWT_AUDIENCE",
  secret: "JWT_SECRET",
  jwksUrl: "JWT_JWKS_URL",
  leewaySeconds: "JWT_LEEWAY_SECONDS",
  maxLifetimeSeconds: "JWT_MAX_LIFETIME_SECONDS",
};

/** Settings that are numbers. */
const NUMBERS = ["leewaySeconds", "maxLifetimeSeconds"];

const DEMO_NAMES: Readonly<Record<string, string>> = { secret: "DEMO_TOKEN_SECRET" };

/** Documentation of these variables. */
export const TOKEN_VARIABLES: readonly Variable[] = [
  {
    name: "JWT_ALGORITHM",
    meaning:
      "algorithm of the tokens: HS256, RS256, ES256 or EdDSA (also called Ed25519); with JWT_… set every request needs a token",
    example: "HS256",
    defaultText: undefined,
    isSecret: false,
  },
  {
    name: "JWT_ISSUER",
    meaning: "text that tokens carry in iss",
    example: "https://login.acme.example",
    defaultText: undefined,
    isSecret: false,
  },
  {
    name: "JWT_AUDIENCE",
    meaning: "text that tokens carry in aud",
    example: "availability-bridge",
    defaultText: undefined,
    isSecret: false,
  },
  {
    name: "JWT_SECRET",
    meaning: "secret of at least 32 bytes that tokens are signed with, for HS256",
    example: "(a random text)",
    defaultText: undefined,
    isSecret: true,
  },
  {
    name: "JWT_JWKS_URL",
    meaning: "https address of the key set that tokens are verified with, for the other algorithms",
    example: "https://login.acme.example/.well-known/jwks.json",
    defaultText: undefined,
    isSecret: false,
  },
  {
    name: "JWT_LEEWAY_SECONDS",
    meaning: "seconds by which the clocks of the issuer and of this machine may differ",
    example: "30",
    defaultText: `${DEFAULT_LEEWAY_SECONDS}`,
    isSecret: false,
  },
  {
    name: "JWT_MAX_LIFETIME_SECONDS",
    meaning: "longest lifetime of a token in seconds: from now to exp, and from iat to exp",
    example: "3600",
    defaultText: `${DEFAULT_LIFETIME_SECONDS}`,
    isSecret: false,
  },
  {
    name: "DEMO_TOKEN_SECRET",
    meaning: "secret of the demo page's tokens; without it a random one, so that no token is accepted",
    example: "(a random text)",
    defaultText: undefined,
    isSecret: true,
  },
];

/**
 * Reads the `JWT_…` variables for the only customer of a gateway without `GATEWAY_CONFIG`; if none is set,
 * `DEMO_TOKEN_SECRET`. Returns `undefined` if customers are configured or a value is bad, and adds a line for each bad
 * value to `problems`.
 */
export function readTokenSettingsFromEnv(
  environment: Environment,
  problems: string[],
): TokenSettingsFromEnv | undefined {
  // Shells and compose files leave a variable empty when it is not set.
  const given = Object.entries(NAMES).flatMap(([setting, name]) => {
    const text = environment[name];
    return text ? [{ setting, name, text }] : [];
  });
  if (environment["GATEWAY_CONFIG"]) {
    problems.push(...given.map(({ name }) => `${name}: is set beside GATEWAY_CONFIG, whose customers have tokens`));
    return undefined;
  }
  const isDemo = given.length === 0;
  const settings = given.map(({ setting, text }) => [setting, NUMBERS.includes(setting) ? toNumber(text) : text]);
  const result = v.safeParse(TokenSettings, isDemo ? demoSettings(environment) : Object.fromEntries(settings));
  if (result.success) return { tokens: result.output, isDemo };
  const names = isDemo ? DEMO_NAMES : NAMES;
  problems.push(...result.issues.map((issue) => describeIssue(issue, names, environment["JWT_ALGORITHM"])));
  return undefined;
}

/**
 * Builds the settings of the demo page, whose site signs with `DEMO_TOKEN_SECRET`. Without the variable the secret is
 * random, so no token is accepted.
 */
function demoSettings(environment: Environment): unknown {
  return {
    algorithm: "HS256",
    issuer: "availability-bridge-demo",
    audience: "availability-bridge",
    secret: environment["DEMO_TOKEN_SECRET"] || randomBytes(32).toString("base64url"),
  };
}

/** Accepts digits alone: `Number` would parse "0x10" and "1e2". */
function toNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function describeIssue(
  issue: v.BaseIssue<unknown>,
  names: Readonly<Record<string, string>>,
  algorithm: string | undefined,
): string {
  const name = names[v.getDotPath(issue) ?? ""];
  if (issue.type !== "strict_object") return `${name}: ${issue.message}`;
  if (issue.expected === "never") return `${name}: is set, and JWT_ALGORITHM=${algorithm} has no use for it`;
  return `${name}: is not set, and with JWT_ALGORITHM=${algorithm} it must be`;
}
