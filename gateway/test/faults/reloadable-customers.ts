/** A customers' file that a test changes while gateways run. */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SignJWT } from "jose";
import { expect } from "vitest";
import { AMPLE } from "./customers-file.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

/** A customer as in the file. */
export type CustomerEntry = Readonly<Record<string, unknown>>;

export interface ReloadableCustomers {
  /** Environment of a gateway that serves the customers. */
  readonly environment: Readonly<Record<string, string>>;
  /** Writes the customers' file. */
  write(customers: readonly CustomerEntry[]): Promise<void>;
  /** Writes the text of the customers' file. */
  writeText(text: string): Promise<void>;
  /** Writes a new secret into a file, with the end of line that `echo` adds. */
  makeSecret(name: string): Promise<FileSecret>;
}

/** A secret in a file. */
export interface FileSecret {
  /** Value in the customers' file that refers to the secret. */
  readonly reference: string;
  readonly path: string;
  /** Signs a token of the customer's operator. Each token is another one. */
  sign(customer: string): Promise<string>;
}

const AUDIENCE = "availability-bridge";

/** Creates a folder with an empty customers' file. */
export async function makeReloadableCustomers(): Promise<ReloadableCustomers> {
  const directory = await makeTemporaryDirectory();
  const path = join(directory, "gateway.config.json");
  const writeText = (text: string) => writeFile(path, text);
  return {
    environment: { GATEWAY_CONFIG: path, CREDENTIALS_DIRECTORY: directory, LOG_LEVEL: "info" },
    writeText,
    write: (customers) => writeText(JSON.stringify({ customers })),
    async makeSecret(name) {
      const secret = randomBytes(32).toString("base64url");
      await writeFile(join(directory, name), `${secret}\n`);
      return { reference: `\${file:${name}}`, path: join(directory, name), sign: (id) => signToken(id, secret) };
    },
  };
}

/** Describes a customer with these secrets. */
export function customerEntry(
  id: string,
  secret: string | readonly string[],
  parts: CustomerEntry = {},
): CustomerEntry {
  const tokens = { algorithm: "HS256", issuer: toIssuer(id), audience: AUDIENCE, secret };
  return { id, allowedOrigins: [`https://crm.${id}.example`], tokens, limits: AMPLE, ...parts };
}

function signToken(customer: string, secret: string): Promise<string> {
  return new SignJWT({ customer, scope: "availability:read availability:write" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("operator")
    .setJti(randomBytes(8).toString("hex"))
    .setIssuer(toIssuer(customer))
    .setAudience(AUDIENCE)
    .setExpirationTime("5m")
    .sign(new TextEncoder().encode(secret));
}

function toIssuer(id: string): string {
  return `https://login.${id}.example`;
}

/** Messages of a gateway's log that match, in order. */
export function messagesOf(gateway: GatewayProcess, pattern: RegExp): readonly string[] {
  return gateway
    .lines()
    .map((line): { readonly msg?: string } => JSON.parse(line))
    .flatMap(({ msg = "" }) => (pattern.test(msg) ? [msg] : []));
}

/** Sends SIGHUP, waits until the gateway has reloaded or rejected its settings, and returns the last line about it. */
export async function reload(gateway: GatewayProcess): Promise<string> {
  const outcomes = () => messagesOf(gateway, /^Settings reloaded: |^Reload rejected: the gateway goes on/);
  const before = outcomes().length;
  process.kill(gateway.pid(), "SIGHUP");
  await expect.poll(() => outcomes().length).toBe(before + 1);
  return outcomes().at(-1) ?? "";
}
