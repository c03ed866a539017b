import type { Environment } from "./config-file.ts";
import type { CustomerSettings } from "./customer-settings.ts";

/** Node's version and the options that it was started with. */
export interface NodeProcess {
  /** @example "24.21.0" */
  readonly version: string;
  readonly options: readonly string[];
}

const PROXY_NAMES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/**
 * Describes a proxy for outgoing calls that Node ignores, if the gateway fetches a key set or calls a telephony system.
 * Returns a warning for the operator, or no warning.
 */
export function describeIgnoredProxy(
  environment: Environment,
  customers: readonly CustomerSettings[],
  { version, options }: NodeProcess = { version: process.versions.node, options: process.execArgv },
): readonly string[] {
  const name = PROXY_NAMES.find((variable) => environment[variable]);
  const callsOut = customers.some(({ tokens, upstream }) => "jwksUrl" in tokens || upstream.kind !== "memory");
  if (name === undefined || !callsOut) return [];
  const isAsked =
    environment["NODE_USE_ENV_PROXY"] === "1" ||
    options.includes("--use-env-proxy") ||
    environment["NODE_OPTIONS"]?.split(/\s+/).includes("--use-env-proxy");
  if (isAsked && knowsProxies(version)) return [];
  return [
    `${name}: has no effect on calls for key sets and to telephony systems. Set NODE_USE_ENV_PROXY=1, with Node 24 or newer, or 22.21 or newer of Node 22; this is Node ${version}`,
  ];
}

/** True if the version of Node can use the variables. */
function knowsProxies(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major >= 24 || (major === 22 && minor >= 21);
}
