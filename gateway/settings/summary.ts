import type { CustomerSettings } from "./customer-settings.ts";
import type { Settings } from "./settings.ts";

/** Formats valid settings as lines for the operator. No line contains a secret. */
export function summarizeSettings(settings: Settings): string {
  const { host, port, tls, redisUrl, scriptMaxAgeSeconds, customers, defaultCustomer, operation, warnings } = settings;
  const { adminHost, adminPort } = operation;
  return [
    "Settings are valid",
    ...warnings.map((warning) => `warning: ${warning}`),
    `listens on: ${describeAddress(host, port)}${tls ? ", with TLS" : ""}`,
    `metrics and health for the operator on: ${adminPort === undefined ? "no port" : describeAddress(adminHost, adminPort)}`,
    `store: ${redisUrl ? `Redis at ${withoutCredentials(redisUrl)}` : "memory of the process"}`,
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
  const tokenText = `${tokens.algorithm} tokens of ${tokens.issuer}`;
  return `  ${name}: origins ${allowedOrigins.join(", ")}; ${tokenText}; upstream ${upstream.kind}`;
}

/** Removes the user, the password and the query from an address. */
export function withoutCredentials(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}
