import * as v from "valibot";
import { whyNoAllowedOrigin } from "./allowed-origin.ts";

/** What the gateway is told by its environment. */
export interface Settings {
  /** Address to listen on, from `GATEWAY_HOST`. @default "127.0.0.1" */
  readonly host: string;
  /** Port to listen on, from `GATEWAY_PORT`; 0 takes a free one. @default 4100 */
  readonly port: number;
  /**
   * Exact origins of the pages that may embed the widget, from `ALLOWED_ORIGINS`.
   * @default ["http://localhost:4000"], the demo page's; with `NODE_ENV=production` there is no default.
   */
  readonly allowedOrigins: readonly string[];
}

/** The gateway cannot start with these settings. The operator has to act: the message has one line for each bad one. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

const EXAMPLES: Readonly<Record<string, string>> = {
  GATEWAY_PORT: "4100",
  GATEWAY_HOST: "127.0.0.1",
  ALLOWED_ORIGINS: "https://crm.example.com,https://help.example.com",
};

const Port = v.pipe(
  v.string(),
  v.check(isPort, ({ input }) => `${JSON.stringify(input)} is no port (a whole number from 0 to 65535)`),
  v.transform(Number),
);

const Host = v.pipe(
  v.string(),
  v.regex(/^[\w.:-]+$/, ({ input }) => `${JSON.stringify(input)} is no host name or IP address`),
);

const AllowedOrigins = v.pipe(
  v.string("is not set, and with NODE_ENV=production it must be"),
  v.transform((list) => [...new Set(list.split(",").map((origin) => origin.trim()))]),
  v.check(
    (origins) => origins.every((origin) => whyNoAllowedOrigin(origin) === undefined),
    ({ input }) => describeBadOrigins(input),
  ),
);

/**
 * The settings in these environment variables, all of them checked at once.
 *
 * @throws {SettingsError} where any value is bad, with one line for each.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const { NODE_ENV, GATEWAY_PORT, GATEWAY_HOST, ALLOWED_ORIGINS } = environment;
  const Environment = v.object({
    GATEWAY_PORT: v.optional(Port, "4100"),
    GATEWAY_HOST: v.optional(Host, "127.0.0.1"),
    ALLOWED_ORIGINS: NODE_ENV === "production" ? AllowedOrigins : v.optional(AllowedOrigins, "http://localhost:4000"),
  });
  const result = v.safeParse(Environment, {
    // Shells and compose files leave a variable empty to mean that it is not set.
    GATEWAY_PORT: GATEWAY_PORT || undefined,
    GATEWAY_HOST: GATEWAY_HOST || undefined,
    // Not so here: whoever empties this list means nobody, and must not get the default.
    ALLOWED_ORIGINS,
  });
  if (!result.success) throw new SettingsError(result.issues.map(describeIssue).join("\n"));
  const { GATEWAY_HOST: host, GATEWAY_PORT: port, ALLOWED_ORIGINS: allowedOrigins } = result.output;
  return { host, port, allowedOrigins };
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
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
