import * as v from "valibot";
import type { KeySetAlgorithm } from "./token-settings.ts";

/** Names of the same algorithm, by RFC 8037 and by RFC 9864. */
export const ED25519_NAMES = ["EdDSA", "Ed25519"] as const;

/** Type and curve of an algorithm's keys. */
const KEY_TYPES: Readonly<Record<KeySetAlgorithm, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
};

/** Members of a key with its purpose. */
const KeyUse = v.object({
  kty: v.string(),
  crv: v.optional(v.string()),
  alg: v.optional(v.string()),
  use: v.optional(v.string()),
});

/** Number of keys that a line of the log names. */
const NAMED_COUNT = 5;

/** Short texts of a key set, safe for a line of the log. */
const SHORT_NAME = /^[\w.-]{1,20}$/;

/** True if a key of a set can verify tokens of the algorithm. */
export function isKeyFor(algorithm: KeySetAlgorithm, key: unknown): boolean {
  if (!v.is(KeyUse, key)) return false;
  const { kty, crv } = KEY_TYPES[algorithm];
  const isOfType = key.kty === kty && (crv === undefined || key.crv === crv);
  return isOfType && (key.alg ?? algorithm) === algorithm && (key.use ?? "sig") === "sig";
}

/** Describes the keys of a set by their algorithm or type: `RS256, EC P-384`. */
export function describeKeys(keys: readonly unknown[]): string {
  if (keys.length === 0) return "no key";
  const rest = keys.length > NAMED_COUNT ? ` and ${keys.length - NAMED_COUNT} more` : "";
  return keys.slice(0, NAMED_COUNT).map(describeKey).join(", ") + rest;
}

function describeKey(key: unknown): string {
  if (!v.is(KeyUse, key)) return "a key without a type";
  const names = key.alg === undefined ? [key.kty, key.crv] : [key.alg];
  const text = names
    .filter((name) => name !== undefined)
    .map((name) => (SHORT_NAME.test(name) ? name : "another"))
    .join(" ");
  return key.use === undefined || key.use === "sig" ? text : `${text} for another use`;
}

/**
 * Removes `alg` from Ed25519 keys of a key set, because `jose` compares names, and tokens may have either name. Type and
 * curve determine the algorithm. Returns any text except key sets unchanged.
 */
export function withoutEd25519Names(text: string): string {
  if (!/"Ed(DSA|25519)"/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text, (name, value: unknown) => (isEd25519Name(name, value) ? undefined : value)));
  } catch {
    return text;
  }
}

function isEd25519Name(name: string, value: unknown): boolean {
  return name === "alg" && ED25519_NAMES.some((known) => known === value);
}
