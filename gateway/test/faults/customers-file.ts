/** Two customers, as an operator configures them, with their tokens. */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SignJWT } from "jose";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

export type CustomerId = "acme" | "globex";

/** Unusual settings of a customer, as in the file. */
export interface CustomerDetails {
  readonly upstream?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, number>>;
}

export interface CustomersFile {
  /** A gateway's environment to serve the customers. */
  readonly environment: Readonly<Record<string, string>>;
  /** Signs a token of the customer's operator, which reads and writes. `name` makes a distinct token. */
  token(customer: CustomerId, name?: string): Promise<string>;
  /** Signs a token of an agent, which reads. `name` makes a distinct token. */
  agentToken(customer: CustomerId, userId: number, name?: string): Promise<string>;
}

const AUDIENCE = "availability-bridge";

/** Limits that tests do not reach by accident. */
export const AMPLE = {
  requestsPerMinutePerSubject: 1_000_000,
  requestsPerMinute: 1_000_000,
  streams: 10_000,
  streamsPerSubject: 10_000,
};

/** Writes the customers' file. */
export async function writeCustomersFile(
  details: Partial<Record<CustomerId, CustomerDetails>> = {},
): Promise<CustomersFile> {
  const path = join(await makeTemporaryDirectory(), "gateway.config.json");
  const customers = (["acme", "globex"] as const).map((id) => ({
    id,
    allowedOrigins: [`https://crm.${id}.example`],
    tokens: { algorithm: "HS256", issuer: toIssuer(id), audience: AUDIENCE, secret: `\${${toVariable(id)}}` },
    limits: AMPLE,
    ...details[id],
  }));
  await writeFile(path, JSON.stringify({ customers }));
  const secrets = { acme: randomBytes(32).toString("base64url"), globex: randomBytes(32).toString("base64url") };
  const sign = (customer: CustomerId, claims: Readonly<Record<string, string>>) =>
    new SignJWT({ customer, ...claims })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(toIssuer(customer))
      .setAudience(AUDIENCE)
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(secrets[customer]));
  return {
    environment: {
      GATEWAY_CONFIG: path,
      [toVariable("acme")]: secrets.acme,
      [toVariable("globex")]: secrets.globex,
    },
    token: (customer, name = "operator") =>
      sign(customer, { sub: "operator", jti: name, scope: "availability:read availability:write" }),
    agentToken: (customer, userId, name = "page") =>
      sign(customer, { sub: `${userId}`, jti: name, scope: "availability:read" }),
  };
}

function toIssuer(id: CustomerId): string {
  return `https://login.${id}.example`;
}

function toVariable(id: CustomerId): string {
  return `${id.toUpperCase()}_SECRET`;
}
