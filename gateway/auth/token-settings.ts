import * as v from "valibot";

/**
 * Algorithms whose public keys the customer publishes as a JSON Web Key Set. `Ed25519` is the name of RFC 9864 for
 * `EdDSA`, and the gateway takes both for the same.
 */
export const KEY_SET_ALGORITHMS = ["RS256", "ES256", "EdDSA", "Ed25519"] as const;
export type KeySetAlgorithm = (typeof KEY_SET_ALGORITHMS)[number];

/** Minimum length of the secret: that of the hash, as RFC 7518 §3.2 requires for HS256. */
const MIN_SECRET_BYTES = 32;

/** Maximum leeway, in seconds: more than maintained clocks differ. */
const MAX_LEEWAY_SECONDS = 300;

/** Leeway by default, in seconds. */
export const DEFAULT_LEEWAY_SECONDS = 30;

/** Maximum number of secrets: a rotation has two, and each is tried for a token that none has signed. */
const MAX_SECRETS = 8;

/** Bounds of a token's lifetime, in seconds: a minute, and a year. */
const MIN_LIFETIME_SECONDS = 60;
const MAX_LIFETIME_SECONDS = 31_622_400;

/** Longest lifetime of a token by default, in seconds: a day. A token cannot be withdrawn by itself. */
export const DEFAULT_LIFETIME_SECONDS = 86_400;

const FORMS =
  'expected exactly { algorithm: "HS256", issuer, audience, secret, leewaySeconds?, maxLifetimeSeconds? } or ' +
  '{ algorithm: "RS256" | "ES256" | "EdDSA" | "Ed25519", issuer, audience, jwksUrl, leewaySeconds?, maxLifetimeSeconds? }';

const ALGORITHM = "expected one of HS256, RS256, ES256, EdDSA, Ed25519";
const ISSUER = "expected the text that tokens carry in iss, such as https://login.acme.example";
const AUDIENCE = "expected the text that tokens carry in aud, such as availability-bridge";
// No message contains the found value, because any value may be a secret.
const SECRET = `expected a text of at least ${MIN_SECRET_BYTES} bytes`;
const SECRETS = `expected a text of at least ${MIN_SECRET_BYTES} bytes, or a list of 1 to ${MAX_SECRETS} such texts`;
const JWKS_URL =
  "expected an https URL without user name, password or fragment (http for localhost and 127.0.0.1 alone)";
const LIFETIME = `expected whole seconds from ${MIN_LIFETIME_SECONDS} to ${MAX_LIFETIME_SECONDS}`;
const LEEWAY = `expected whole seconds from 0 to ${MAX_LEEWAY_SECONDS}`;

const shared = {
  /** Required `iss` claim. */
  issuer: v.pipe(v.string(ISSUER), v.nonEmpty(ISSUER)),
  /** Required `aud` claim, alone or in a list. */
  audience: v.pipe(v.string(AUDIENCE), v.nonEmpty(AUDIENCE)),
  /** Allowed difference between the issuer's clock and this machine's, in seconds. @default 30 */
  leewaySeconds: v.optional(
    v.pipe(v.number(LEEWAY), v.safeInteger(LEEWAY), v.minValue(0, LEEWAY), v.maxValue(MAX_LEEWAY_SECONDS, LEEWAY)),
    DEFAULT_LEEWAY_SECONDS,
  ),
  /** Longest time from now to `exp`, and from `iat` to `exp`, in seconds. @default 86400 */
  maxLifetimeSeconds: v.optional(
    v.pipe(
      v.number(LIFETIME),
      v.safeInteger(LIFETIME),
      v.minValue(MIN_LIFETIME_SECONDS, LIFETIME),
      v.maxValue(MAX_LIFETIME_SECONDS, LIFETIME),
    ),
    DEFAULT_LIFETIME_SECONDS,
  ),
};

const Secret = v.pipe(v.string(SECRET), v.minBytes(MIN_SECRET_BYTES, SECRET));

const SecretTokens = v.strictObject(
  {
    algorithm: v.literal("HS256"),
    ...shared,
    /** Secret of the customer's signatures, as UTF-8; during a rotation several, each of which is accepted. */
    secret: v.union(
      [Secret, v.pipe(v.array(Secret), v.minLength(1, SECRETS), v.maxLength(MAX_SECRETS, SECRETS))],
      SECRETS,
    ),
  },
  FORMS,
);

const KeySetTokens = v.strictObject(
  {
    algorithm: v.picklist(KEY_SET_ALGORITHMS),
    ...shared,
    /** Address of the customer's public keys. */
    jwksUrl: v.pipe(v.string(JWKS_URL), v.check(isKeySetUrl, JWKS_URL)),
  },
  FORMS,
);

/**
 * Settings for verifying a customer's tokens: one algorithm, with a secret or with published keys. Messages of issues
 * state the expected value and never the found value.
 */
export const TokenSettings = v.variant("algorithm", [SecretTokens, KeySetTokens], ({ expected }) =>
  expected === "Object" ? FORMS : ALGORITHM,
);
export type TokenSettings = v.InferOutput<typeof TokenSettings>;

/** Settings of a customer with published keys. */
export type KeySetTokens = v.InferOutput<typeof KeySetTokens>;

function isKeySetUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username || password || hash) return false;
  return protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1"].includes(hostname));
}
