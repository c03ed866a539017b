import { decodeProtectedHeader, errors } from "jose";
import { describeType } from "./describe-type.ts";

/** Expectations of a customer's tokens. */
export interface TokenExpectation {
  readonly token: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithm: string;
  /** Number of the customer's secrets; 1 for a key set. */
  readonly keyCount: number;
  readonly nowSeconds: number;
}

/** Names of algorithms to repeat in the log. The maker of a token could write any text. */
const KNOWN_ALGORITHMS =
  /^(?:none|HS(?:256|384|512)|RS(?:256|384|512)|PS(?:256|384|512)|ES(?:256|384|512)|EdDSA|Ed25519)$/;

/**
 * Describes why `jose` has rejected a token: the expected and the actual kind of value. Of the token's values the text
 * contains only names of known algorithms, and times.
 */
export function describeTokenError(error: errors.JOSEError, expectation: TokenExpectation): string {
  const { token, algorithm, keyCount } = expectation;
  if (error instanceof errors.JWTExpired) return describeExpiry(error, expectation);
  if (error instanceof errors.JWTClaimValidationFailed) return describeClaim(error, expectation);
  if (error instanceof errors.JOSEAlgNotAllowed) return `alg: expected ${algorithm}, but it is ${readAlgorithm(token)}`;
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return keyCount === 1
      ? "signature verification failed"
      : `signature verification failed with each of the ${keyCount} secrets`;
  if (error instanceof errors.JWKSNoMatchingKey)
    return `kid: expected the id of a key for ${algorithm} in the customer's key set, and it has no such key`;
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return "kid: expected the id of a key in the customer's key set, since several of its keys match";
  if (error instanceof errors.JWSInvalid && token.split(".").length !== 3)
    return "not a JWT: expected three parts with dots between them";
  // Further messages name the invalid part, never the value.
  return error.message;
}

function describeExpiry({ payload }: errors.JWTExpired, { nowSeconds }: TokenExpectation): string {
  const seconds = Math.max(0, Math.floor(nowSeconds - Number(payload.exp)));
  return `exp: expected a time that is yet to come, but it was ${seconds} seconds ago`;
}

function describeClaim(
  { claim, reason, payload }: errors.JWTClaimValidationFailed,
  { issuer, audience, nowSeconds }: TokenExpectation,
): string {
  const value = payload[claim];
  const expected: Readonly<Record<string, string>> = {
    iss: JSON.stringify(issuer),
    aud: `${JSON.stringify(audience)}, alone or in a list`,
    exp: "a number of seconds since 1970",
    nbf: "a number of seconds since 1970 that is not yet to come",
    iat: "a number of seconds since 1970",
  };
  const isEarly = claim === "nbf" && reason === "check_failed" && typeof value === "number";
  const actual = isEarly ? `it is ${Math.ceil(value - nowSeconds)} seconds from now` : describeType(value);
  return `${claim}: expected ${expected[claim] ?? "another value"}, but ${actual}`;
}

function readAlgorithm(token: string): string {
  const { alg = "" } = decodeProtectedHeader(token);
  return KNOWN_ALGORITHMS.test(alg) ? alg : "another algorithm";
}
