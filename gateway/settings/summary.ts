import { DEFAULT_KEY_PREFIX, type RedisServerOptions } from "../store/redis/redis-server-options.ts";
import type { CustomerSettings } from "./customer-settings.ts";
import type { Settings } from "./settings.ts";

/** Number of origins in a line of the log. */
const NAMED_ORIGINS = 3;

/** Formats valid settings as lines for the operator. No line contains a secret. */
export function summarizeSettings(settings: Settings): string {
  const { host, port, tls, redis, scriptMaxAgeSeconds, customers, defaultCustomer, operation, warnings } = settings;
  const { adminHost, adminPort, drainDelaySeconds } = operation;
  return [
    settings.isDemo
      ? "Settings are valid, but GATEWAY_CONFIG is not set: they are those of a demo with sample agents"
      : "Settings are valid",
    ...warnings.map((warning) => `warning: ${warning}`),
    `listens on: ${describeAddress(host, port)}${tls ? ", with TLS" : ""}`,
    `metrics and health for the operator on: ${adminPort === undefined ? "no port" : describeAddress(adminHost, adminPort)}`,
    `store: ${redis ? describeRedis(redis) : "memory of the process"}`,
    `trusted proxies: ${settings.variables["TRUSTED_PROXIES"]?.text ?? "none"}`,
    `stop: accepts no connections from ${drainDelaySeconds} s after the signal`,
    `embed.js: browsers ask for a newer one ${scriptMaxAgeSeconds === 0 ? "at each page" : `after ${scriptMaxAgeSeconds} s`}`,
    `customers: ${customers.length}`,
    ...customers.map((customer) => describeCustomer(customer, customer.id === defaultCustomer)),
  ].join("\n");
}

function describeAddress(host: string, port: number): string {
  return port === 0 ? `a free port of ${host}` : `port ${port} of ${host}`;
}

function describeCustomer({ id, allowedOrigins, tokens, upstream }: CustomerSettings, isDefault: boolean): string {
  const name = isDefault ? `${id} (default)` : id;
  const tokenText = `${tokens.algorithm} tokens of ${tokens.issuer} with ${describeKeys(tokens)}`;
  return `  ${name}: origins ${allowedOrigins.join(", ")}; ${tokenText}; upstream ${upstream.kind}`;
}

function describeKeys(tokens: CustomerSettings["tokens"]): string {
  if (!("secret" in tokens)) return "a key set";
  const count = [tokens.secret].flat().length;
  return count === 1 ? "1 secret" : `${count} secrets`;
}

/**
 * Describes the allowed origins of each customer for the log of the start, as a line with their number and the first three.
 * Without a customers' file the line names the variable in place of a customer.
 */
export function describeOrigins({ customers, isDemo }: Pick<Settings, "customers" | "isDemo">): readonly string[] {
  return customers.map(({ id, allowedOrigins }) => {
    const owner = isDemo ? "ALLOWED_ORIGINS" : `Customer ${id}`;
    const unnamedCount = allowedOrigins.length - NAMED_ORIGINS;
    const rest = unnamedCount > 0 ? ` and ${unnamedCount} more` : "";
    const count = allowedOrigins.length === 1 ? "1 allowed origin" : `${allowedOrigins.length} allowed origins`;
    return `${owner}: ${count}: ${allowedOrigins.slice(0, NAMED_ORIGINS).join(", ")}${rest}`;
  });
}

/** Describes Redis by mode, addresses and key prefix, without users and passwords. */
export function describeRedis({ mode, addresses, sentinelName, keyPrefix }: RedisServerOptions): string {
  const places = addresses.map(withoutCredentials).join(", ");
  const prefix = keyPrefix === DEFAULT_KEY_PREFIX ? "" : `, with the key prefix ${keyPrefix}`;
  const kinds = {
    single: `Redis at ${places}`,
    cluster: `a Redis Cluster with nodes at ${places}`,
    sentinel: `the Redis that Sentinels call ${sentinelName}, with Sentinels at ${places}`,
  };
  return kinds[mode] + prefix;
}

/** Removes the user, the password and the query from an address. */
function withoutCredentials(address: string): string {
  const [, socketPath] = /^unix:\/\/[^/]*(\/[^?]*)/.exec(address) ?? [];
  if (socketPath !== undefined) return `unix://${socketPath}`;
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}
