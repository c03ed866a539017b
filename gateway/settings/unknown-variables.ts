import type { Environment } from "./environment.ts";
import { findNearest, MAX_EDITS } from "./nearest-name.ts";

/** Prefixes of the gateway's variables, which other programs are unlikely to use. */
const OWN_PREFIXES = ["GATEWAY_", "UPSTREAM_", "JWT_", "REDIS_", "TRUSTED_", "DRAIN_", "STALE_"];

/** Settings of other programs, with the gateway's setting for the same. */
const EQUIVALENTS: Readonly<Record<string, string>> = {
  PORT: "GATEWAY_PORT",
  REDIS_HOST: "REDIS_URL",
  REDIS_HOSTNAME: "REDIS_URL",
  REDIS_PORT: "REDIS_URL",
  REDIS_USER: "REDIS_URL",
  REDIS_USERNAME: "REDIS_URL",
  REDIS_PASSWORD: "REDIS_URL",
  REDIS_DB: "REDIS_URL",
};

/** Variables that hosts of applications, links of containers and the image of Redis set by themselves. */
const PLATFORM_NAMES = /^REDIS_(?:TLS_URL|VERSION|DOWNLOAD_\w+|NAME|ENV_\w+)$/;

/**
 * Prefix of the variables of OpenTelemetry, some hundred, for libraries, collectors and further programs of the machine: an unknown
 * name is no mistake.
 */
const TELEMETRY_PREFIX = "OTEL_";

/** Variables that Kubernetes sets in each container for the services of the namespace. */
const SERVICE_LINK_NAMES = [/_SERVICE_(?:HOST|PORT(?:_\w+)?)$/, /_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/];

/** True if a variable has the value of a Kubernetes service link, such as `GATEWAY_PORT=tcp://10.0.0.1:4100`. */
export function isServiceLink(value: string): boolean {
  return /^(?:tcp|udp|sctp):\/\//.test(value);
}

/**
 * Finds variables of the gateway without effect, such as misspelt names. Returns a line per variable, with the nearest
 * valid name. `known` has the gateway's own variables, and `referenced` has the variables in the customers' file. No
 * line contains a value.
 */
export function findUnknownVariables(
  environment: Environment,
  { known, referenced }: { readonly known: readonly string[]; readonly referenced: ReadonlySet<string> },
): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (!value || known.includes(name) || referenced.has(name) || name.startsWith(TELEMETRY_PREFIX)) return [];
    if (SERVICE_LINK_NAMES.some((shape) => shape.test(name)) || isServiceLink(value)) return [];
    // Many platforms set PORT for every program.
    if (PLATFORM_NAMES.test(name) || (name === "PORT" && environment["GATEWAY_PORT"])) return [];
    const nearest = findMeant(name, known);
    return nearest ? [`${name}: has no effect, since the gateway has no such setting; the nearest is ${nearest}`] : [];
  });
}

/** Returns the setting that a name may stand for; `undefined` for a variable of another program. */
function findMeant(name: string, known: readonly string[]): string | undefined {
  const whole = known.find((setting) => name.includes("_") && setting.startsWith(name));
  const equivalent = Object.hasOwn(EQUIVALENTS, name) ? EQUIVALENTS[name] : whole;
  if (equivalent !== undefined) return equivalent;
  const { nearest, edits } = findNearest(name, known);
  return OWN_PREFIXES.some((prefix) => name.startsWith(prefix)) || edits <= MAX_EDITS ? nearest : undefined;
}
