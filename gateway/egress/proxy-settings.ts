import * as v from "valibot";
import type { CustomerSettings } from "../settings/customer-settings.ts";
import { listVariables, type Variable } from "../settings/env-schemas.ts";
import type { Environment } from "../settings/environment.ts";

/** Proxies for the calls that the gateway makes. */
export interface ProxySettings {
  /** Proxy for `https:` addresses. */
  readonly httpsProxy: string | undefined;
  /** Proxy for `http:` addresses. */
  readonly httpProxy: string | undefined;
  /** Hosts that are called without a proxy, as in `NO_PROXY`. */
  readonly noProxy: string;
}

/** Documentation of the variables. Each has a lower-case name as well. */
export const PROXY_VARIABLES: readonly Variable[] = listVariables({
  HTTPS_PROXY: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning: "proxy for calls to https addresses: of key sets and of telephony systems",
      example: "http://proxy.example:3128",
      isSecret: true,
    }),
  ),
  HTTP_PROXY: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "the same for http addresses", example: "http://proxy.example:3128", isSecret: true }),
  ),
  NO_PROXY: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning:
        "hosts that are called without a proxy, with commas between them; a leading dot stands for all hosts below",
      example: "localhost,.internal.example",
    }),
  ),
});

/** Renames the lower-case proxy variables to upper case. Lower case takes precedence, as in curl. */
export function withUpperCaseProxies(environment: Environment): Environment {
  const renamed = PROXY_VARIABLES.flatMap(({ name }) => {
    const value = environment[name.toLowerCase()];
    return value ? [[name, value] as const] : [];
  });
  return { ...environment, ...Object.fromEntries(renamed) };
}

/**
 * Reads the proxies for outgoing calls; `undefined` without valid proxies. Adds a line to `problems` for each bad address if a
 * customer needs calls. No line contains the address, which may have a password.
 */
export function readProxySettings(
  environment: Environment,
  customers: readonly CustomerSettings[],
  problems: string[],
): ProxySettings | undefined {
  const [httpsProxy, httpProxy] = [readAddress(environment["HTTPS_PROXY"]), readAddress(environment["HTTP_PROXY"])];
  const bad = Object.entries({ HTTPS_PROXY: httpsProxy, HTTP_PROXY: httpProxy }).filter(
    ([, address]) => address !== undefined && !isProxyAddress(address),
  );
  const callsOut = customers.some(({ tokens, upstream }) => "jwksUrl" in tokens || upstream.kind !== "memory");
  for (const [name] of callsOut ? bad : [])
    problems.push(`${name}: expected the address of an HTTP proxy, for example ${name}=http://proxy.example:3128`);
  if (bad.length > 0 || !(httpsProxy ?? httpProxy)) return undefined;
  // Also without calls at present: a reload may bring a customer with calls.
  return { httpsProxy, httpProxy, noProxy: environment["NO_PROXY"] ?? "" };
}

/** Completes an address without a scheme, as curl does. */
function readAddress(address: string | undefined): string | undefined {
  if (!address) return undefined;
  return address.includes("://") ? address : `http://${address}`;
}

function isProxyAddress(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}
