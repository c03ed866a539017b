import { randomBytes } from "node:crypto";
import * as v from "valibot";
import type { Environment } from "../settings/config-file.ts";
import { TokenSettings } from "./token-settings.ts";

/** How tokens are verified where no customers are configured. */
export interface EnvironmentTokens {
  readonly tokens: TokenSettings;
  /** Whether nobody has said how, so that they are the demo page's own. */
  readonly areDemo: boolean;
}

/** The variables, by the setting that each holds. */
const NAMES: Readonly<Record<string, string>> = {
  algorithm: "JWT_ALGORITHM",
  issuer: "JWT_ISSUER",
  audience: "JWT_AUDIENCE",
  secret: "JWT_SECRET",
  jwksUrl: "JWT_JWKS_URL",
  leewaySeconds: "JWT_LEEWAY_SECONDS",
};

const DEMO_NAMES: Readonly<Record<string, string>> = { secret: "DEMO_TOKEN_SECRET" };

/**
 * Reads the `JWT_…` variables, which stand for the one customer of a gateway without `GATEWAY_CONFIG`; where there are
 * none, `DEMO_TOKEN_SECRET`. `undefined` where customers are configured, or where a value is bad: `problems` then gets a
 * line for each.
 */
export function readTokenEnvironment(environment: Environment, problems: string[]): EnvironmentTokens | undefined {
  // Shells and compose files leave a variable empty to mean that it is not set.
  const given = Object.entries(NAMES).flatMap(([setting, name]) => {
    const text = environment[name];
    return text ? [{ setting, name, text }] : [];
  });
  if (environment["GATEWAY_CONFIG"]) {
    problems.push(...given.map(({ name }) => `${name}: is set beside GATEWAY_CONFIG, whose customers have tokens`));
    return undefined;
  }
  const areDemo = given.length === 0;
  const settings = given.map(({ setting, text }) => [setting, setting === "leewaySeconds" ? toNumber(text) : text]);
  const result = v.safeParse(TokenSettings, areDemo ? demoSettings(environment) : Object.fromEntries(settings));
  if (result.success) return { tokens: result.output, areDemo };
  const names = areDemo ? DEMO_NAMES : NAMES;
  problems.push(...result.issues.map((issue) => describeIssue(issue, names, environment["JWT_ALGORITHM"])));
  return undefined;
}

/** The demo page's site signs with the same secret. Without one it is random, so that no token holds. */
function demoSettings(environment: Environment): unknown {
  return {
    algorithm: "HS256",
    issuer: "availability-bridge-demo",
    audience: "availability-bridge",
    secret: environment["DEMO_TOKEN_SECRET"] || randomBytes(32).toString("base64url"),
  };
}

/** Digits alone: `Number` would read "0x10" and "1e2" as numbers. */
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
