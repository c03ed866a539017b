import { createHash, createSecretKey } from "node:crypto";
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import * as v from "valibot";
import { type Clock, systemClock } from "../clock.ts";
import { type ObserveCall, runUnobserved } from "../outgoing-call.ts";
import { type Caller, CallerClaims, EXPECTED_CLAIMS } from "./caller.ts";
import { InvalidTokenError, type TokenFault } from "./invalid-token-error.ts";
import { createJwks, ED25519_NAMES, type Jwks, type JwksOptions } from "./jwks.ts";
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
  /** The customer's published key set; absent if the customer has a shared secret. */
  readonly keySet?: Pick<Jwks, "load" | "isAvailable">;
}

export interface TokenVerifierOptions {
  /** @default the system clock */
  readonly clock?: Clock;
  /** Runs each fetch of the key set, for metrics and traces. @default nothing is observed */
  readonly observe?: ObserveCall;
}

/**
 * Creates the verifier of a customer's tokens. A verified token is cached until it expires, at most for five minutes.
 */
export function createTokenVerifier(
  settings: TokenSettings,
  customerId: string,
  { clock = systemClock, observe = runUnobserved }: TokenVerifierOptions = {},
): VerifyToken {
  const { findKey, keySet } = createKeyFinder(settings, { clock, customerId, observe });
  const { issuer, audience, algorithm, leewaySeconds } = settings;

  const cache = createTokenCache(async (token) => {
    const { payload } = await jwtVerify(token, findKey, {
      issuer,
      audience,
      algorithms: algorithm === "EdDSA" || algorithm === "Ed25519" ? [...ED25519_NAMES] : [algorithm],
      requiredClaims: ["exp"],
      clockTolerance: leewaySeconds,
      currentDate: new Date(clock.wallMs()),
    }).catch(throwTokenError);
    return parseClaims(payload, { token, customerId, leewaySeconds });
  }, clock);

  async function verify(token: string): Promise<Caller> {
    if (token.length > MAX_TOKEN_CHARACTERS) {
      throw new InvalidTokenError(`The token is longer than ${MAX_TOKEN_CHARACTERS} characters`, "malformed");
    }
    return cache.verify(token);
  }

  return Object.assign(verify, { getCached: cache.getCached, ...(keySet && { keySet }) });
}

interface KeyFinder extends Pick<VerifyToken, "keySet"> {
  readonly findKey: JWTVerifyGetKey;
}

function createKeyFinder(settings: TokenSettings, options: JwksOptions): KeyFinder {
  if (settings.algorithm !== "HS256") {
    const keySet = createJwks(settings.jwksUrl, options);
    return { findKey: keySet.findKey, keySet };
  }
  const key = createSecretKey(settings.secret, "utf8");
  return { findKey: () => key };
}

function throwTokenError(cause: unknown): never {
  if (cause instanceof KeysUnavailableError) throw cause;
  // The token requires an extension. The message would contain the extension's name, chosen by the maker of the token.
  if (cause instanceof errors.JOSENotSupported)
    throw new InvalidTokenError("The token requires an unsupported extension", "malformed", { cause });
  // The other messages name the invalid claim or part, never its value.
  if (cause instanceof errors.JOSEError)
    throw new InvalidTokenError(`The token is rejected: ${cause.message}`, toFault(cause), { cause });
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
  readonly token: string;
  readonly customerId: string;
  readonly leewaySeconds: number;
}

function parseClaims(payload: JWTPayload, { token, customerId, leewaySeconds }: Expectation): Caller {
  const claims = v.safeParse(CallerClaims, payload);
  if (!claims.success) {
    throw new InvalidTokenError(
      `The token's claims are not as expected: ${claims.issues.map(describeIssue).join("; ")}`,
      "claims",
    );
  }
  const { exp, customer, sub, scope = NO_SCOPES, scp } = claims.output;
  if (customer !== customerId) throw new InvalidTokenError("The token belongs to another customer", "customer");
  // Hash only the signed part: a signature has many spellings, and every spelling would get separate rate limits.
  const signed = token.slice(0, token.lastIndexOf("."));
  const key = createHash("sha256").update(signed).digest("base64url");
  const hasOnlyScp = claims.output.scope === undefined && scp !== undefined;
  return {
    subject: sub,
    scopes: scope,
    ...(hasOnlyScp && { hasOnlyScp }),
    key,
    endsAtMs: (exp + leewaySeconds) * 1000,
  };
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

function describeType(value: unknown): string {
  if (value === undefined) return "the claim is missing";
  if (value === null) return "it is null";
  if (Array.isArray(value)) return "it is a list";
  // A string may have a wrong value.
  return typeof value === "string" ? "it is another text" : `it is of the type ${typeof value}`;
}
