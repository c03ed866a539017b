import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import * as v from "valibot";
import { systemClock } from "../clock.ts";
import { type Caller, CallerClaims, EXPECTED_CLAIMS } from "./caller.ts";
import { describeTokenError, type TokenExpectation } from "./describe-token-error.ts";
import { describeType } from "./describe-type.ts";
import { InvalidTokenError, type TokenFault } from "./invalid-token-error.ts";
import { createJwks, type Jwks, type JwksOptions } from "./jwks.ts";
import { ED25519_NAMES } from "./key-set-content.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import { createTokenCache } from "./token-cache.ts";
import type { TokenSettings } from "./token-settings.ts";

/** Maximum length of a token. Longer tokens are rejected unread; real claims need less. */
const MAX_TOKEN_CHARACTERS = 8 * 1024;

/** Verifier of one customer's tokens. */
export interface VerifyToken {
  /**
   * Verifies a token and resolves with its caller.
   *
   * @throws {InvalidTokenError} for every invalid token.
   * @throws {KeysUnavailableError} if the customer's keys are unavailable, so that the token may be valid.
   */
  (token: string): Promise<Caller>;
  /** Returns the caller of a cached token; `undefined` if the token must be verified. @default no cache */
  readonly getCached?: (token: string) => Caller | undefined;
  /** True if the verifier accepts tokens of the authority of a caller. @default always */
  readonly accepts?: (caller: Caller) => boolean;
  /** The customer's published key set; absent if the customer has a shared secret. */
  readonly keySet?: Jwks;
}

/** Clock, timers and `fetch` of a verifier. */
export interface TokenVerifierOptions extends Pick<JwksOptions, "clock" | "wait" | "fetch"> {
  /** Key set of the settings' address, with loaded keys. @default a new key set */
  readonly keySet?: Jwks | undefined;
  /**
   * Called when one secret of a list has verified a token, with the secret's place in the list, from 1. Not called for a
   * cached token. @default none
   */
  readonly onVerified?: (secretPlace: number) => void;
}

/**
 * Creates the verifier of a customer's tokens. A verified token is cached until it expires, at most for five minutes.
 */
export function createTokenVerifier(
  settings: TokenSettings,
  customerId: string,
  options: TokenVerifierOptions = {},
): VerifyToken {
  const { clock = systemClock, onVerified } = options;
  const { keys, keySet } = createKeys(settings, options);
  const { issuer, audience, algorithm, leewaySeconds, maxLifetimeSeconds } = settings;
  const authorities = new Set(keys.map(({ authority }) => authority));

  const cache = createTokenCache(async (token) => {
    const nowSeconds = clock.wallMs() / 1000;
    const { payload, authority } = await verifyWithKeys(token, keys, {
      issuer,
      audience,
      algorithms: algorithm === "EdDSA" || algorithm === "Ed25519" ? [...ED25519_NAMES] : [algorithm],
      requiredClaims: ["exp"],
      clockTolerance: leewaySeconds,
      currentDate: new Date(clock.wallMs()),
    }).catch((cause: unknown) =>
      throwTokenError(cause, { token, issuer, audience, algorithm, keyCount: keys.length, nowSeconds }),
    );
    const caller = parseClaims(payload, { authority, customerId, leewaySeconds, maxLifetimeSeconds, nowSeconds });
    if (keys.length > 1) onVerified?.(keys.findIndex((key) => key.authority === authority) + 1);
    return caller;
  }, clock);

  async function verify(token: string): Promise<Caller> {
    if (token.length > MAX_TOKEN_CHARACTERS) {
      throw new InvalidTokenError(`The token is longer than ${MAX_TOKEN_CHARACTERS} characters`);
    }
    return cache.verify(token);
  }

  return Object.assign(verify, {
    getCached: cache.getCached,
    accepts: ({ authority }: Caller) => authority === undefined || authorities.has(authority),
    ...(keySet && { keySet }),
  });
}

/** Key that verifies tokens, or the finder of a key in a set. */
interface VerificationKey {
  readonly key: KeyObject | JWTVerifyGetKey;
  readonly authority: string;
}

interface Keys extends Pick<VerifyToken, "keySet"> {
  /** At least one key. */
  readonly keys: readonly VerificationKey[];
}

function createKeys(settings: TokenSettings, options: TokenVerifierOptions): Keys {
  const { algorithm, issuer, audience } = settings;
  const toAuthority = (source: string) => digest(JSON.stringify([algorithm, issuer, audience, source]));
  if (!("secret" in settings)) {
    const { keySet = createJwks({ ...options, url: settings.jwksUrl, algorithm: settings.algorithm }) } = options;
    return { keys: [{ key: keySet.findKey, authority: toAuthority(settings.jwksUrl) }], keySet };
  }
  return {
    keys: [settings.secret].flat().map((secret) => ({
      key: createSecretKey(secret, "utf8"),
      authority: toAuthority(secret),
    })),
  };
}

/** Random key of the process: without the key, a digest reveals no secret. */
const DIGEST_KEY = randomBytes(32);

function digest(text: string): string {
  return createHmac("sha256", DIGEST_KEY).update(text).digest("base64url");
}

/** Verifies a token with one key after the other. @throws the error of the last key. */
async function verifyWithKeys(
  token: string,
  [first, ...others]: readonly VerificationKey[],
  options: JWTVerifyOptions,
): Promise<{ readonly payload: JWTPayload; readonly authority: string }> {
  if (!first) throw new Error("A verifier has at least one key");
  const { key, authority } = first;
  try {
    // The overloads of `jwtVerify` know a key or a function, and not both.
    const { payload } =
      typeof key === "function" ? await jwtVerify(token, key, options) : await jwtVerify(token, key, options);
    return { payload, authority };
  } catch (error) {
    // Each key finds the same fault, except for the signature.
    if (others.length === 0 || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    return verifyWithKeys(token, others, options);
  }
}

function throwTokenError(cause: unknown, expectation: TokenExpectation): never {
  if (cause instanceof KeysUnavailableError) throw cause;
  // The token requires an extension. The message would contain the extension's name, chosen by the maker of the token.
  if (cause instanceof errors.JOSENotSupported)
    throw new InvalidTokenError("The token requires an unsupported extension", { cause });
  if (cause instanceof errors.JOSEError)
    throw new InvalidTokenError(`The token is rejected: ${describeTokenError(cause, expectation)}`, {
      fault: toFault(cause),
      cause,
    });
  // Faults of a token are JOSEErrors. The rest are faults of the key, such as the TypeError for a weak key.
  throw new KeysUnavailableError("The token's key cannot be used", { cause });
}

function toFault(error: errors.JOSEError): TokenFault {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) return "claims";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "signature";
  // The token names a key that is not in the set, or several keys of the set match.
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return "signature";
  return "malformed";
}

interface Expectation {
  readonly authority: string;
  readonly customerId: string;
  readonly leewaySeconds: number;
  readonly maxLifetimeSeconds: number;
  readonly nowSeconds: number;
}

function parseClaims(payload: JWTPayload, expectation: Expectation): Caller {
  const { authority, customerId, leewaySeconds } = expectation;
  const claims = v.safeParse(CallerClaims, payload);
  if (!claims.success) {
    throw new InvalidTokenError(
      `The token's claims are not as expected: ${claims.issues.map(describeIssue).join("; ")}`,
      { fault: "claims" },
    );
  }
  const { exp, customer, sub, scope = NO_SCOPES, scp } = claims.output;
  if (customer !== customerId)
    throw new InvalidTokenError("The token belongs to another customer", { fault: "customer" });
  checkLifetime(claims.output, expectation);
  const hasOnlyScp = claims.output.scope === undefined && scp !== undefined;
  return {
    subject: sub,
    scopes: scope,
    ...(hasOnlyScp && { hasOnlyScp }),
    authority,
    endsAtMs: (exp + leewaySeconds) * 1000,
  };
}

/** Rejects a long-lived token, because tokens cannot be withdrawn. */
function checkLifetime(
  { exp, iat }: { readonly exp: number; readonly iat?: number | undefined },
  { nowSeconds, leewaySeconds, maxLifetimeSeconds }: Expectation,
): void {
  const sinceIssue = exp - (iat ?? exp);
  // The issuer's clock may be ahead of this machine's by the leeway.
  const fromNow = exp - nowSeconds - leewaySeconds;
  const [seconds, start] = sinceIssue > fromNow ? [sinceIssue, "iat"] : [fromNow, "now"];
  if (seconds <= maxLifetimeSeconds) return;
  throw new InvalidTokenError(
    `The token's claims are not as expected: exp: expected at most ${maxLifetimeSeconds} seconds after ${start} (maxLifetimeSeconds), but it is ${Math.ceil(seconds)} seconds after`,
    { fault: "claims" },
  );
}

/** Describes an issue by the claim, the expected value and the type of the actual value, without the value. */
function describeIssue({ type, path, input }: v.BaseIssue<unknown>): string {
  const name = String(path?.[0]?.key);
  const expected = v.is(ClaimName, name) ? EXPECTED_CLAIMS[name] : "another value";
  return `${name}: expected ${expected}, but ${type === "max_value" ? TOO_LATE : describeType(input)}`;
}

const TOO_LATE = "it is after the year 5000, as if it were milliseconds";

const NO_SCOPES: Caller["scopes"] = new Set();

const ClaimName = v.keyof(CallerClaims);
