import { createHash, createSecretKey } from "node:crypto";
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import * as v from "valibot";
import { type Clock, systemClock } from "../clock.ts";
import { type Caller, CallerClaims, EXPECTED_CLAIMS } from "./caller.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import { createJwks } from "./jwks.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import { createTokenCache } from "./token-cache.ts";
import type { TokenSettings } from "./token-settings.ts";

/** Longer ones are refused unread: nobody's claims need as much. */
const MAX_TOKEN_CHARACTERS = 8 * 1024;

/** How one customer's tokens are verified. */
export interface VerifyToken {
  /**
   * Tells who brings a token.
   *
   * @throws {InvalidTokenError} for every token that does not hold.
   * @throws {KeysUnavailableError} where the customer's keys cannot be had, so that the token might hold.
   */
  (token: string): Promise<Caller>;
  /** Who brings a token that was verified lately and still holds; `undefined` where that has to be found out. @default always that */
  readonly getCached?: (token: string) => Caller | undefined;
}

/** Verifies the tokens of one customer. A token is verified once while it holds, at most for five minutes. */
export function createTokenVerifier(
  settings: TokenSettings,
  customerId: string,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): VerifyToken {
  const findKey = createKeyFinder(settings, clock);
  const { issuer, audience, algorithm, leewaySeconds } = settings;

  const cache = createTokenCache(async (token) => {
    const { payload } = await jwtVerify(token, findKey, {
      issuer,
      audience,
      algorithms: [algorithm],
      requiredClaims: ["exp"],
      clockTolerance: leewaySeconds,
      currentDate: new Date(clock.wallMs()),
    }).catch(throwTokenError);
    return parseClaims(payload, { token, customerId, leewaySeconds });
  }, clock);

  async function verify(token: string): Promise<Caller> {
    if (token.length > MAX_TOKEN_CHARACTERS) {
      throw new InvalidTokenError(`The token is longer than ${MAX_TOKEN_CHARACTERS} characters`);
    }
    return cache.verify(token);
  }

  return Object.assign(verify, { recall: cache.getCached });
}

function createKeyFinder(settings: TokenSettings, clock: Clock): JWTVerifyGetKey {
  if (settings.algorithm !== "HS256") return createJwks(settings.jwksUrl, clock);
  const key = createSecretKey(settings.secret, "utf8");
  return () => key;
}

function throwTokenError(cause: unknown): never {
  if (cause instanceof KeysUnavailableError) throw cause;
  // An extension that the token demands: the message would name it, in the words of whoever made the token.
  if (cause instanceof errors.JOSENotSupported)
    throw new InvalidTokenError("The token needs what is not supported", { cause });
  // The other messages name the claim or the part that is wrong, and never what it holds.
  if (cause instanceof errors.JOSEError)
    throw new InvalidTokenError(`The token is refused: ${cause.message}`, { cause });
  // Whatever is wrong with a token is a JOSEError; a published key that is too weak is a TypeError, for one.
  throw new KeysUnavailableError("The token's key cannot be used", { cause });
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
    );
  }
  const { exp, customer, sub, scope } = claims.output;
  if (customer !== customerId) throw new InvalidTokenError("The token is another customer's");
  // Of what is signed alone: the same signature can be written in many ways, each of which would have limits of its own.
  const signed = token.slice(0, token.lastIndexOf("."));
  const key = createHash("sha256").update(signed).digest("base64url");
  return { subject: sub, scopes: scope, key, endsAtMs: (exp + leewaySeconds) * 1000 };
}

/** An issue as a sentence that names the claim, what was expected and the type of what came, but no value of the token. */
function describeIssue({ path, input }: v.BaseIssue<unknown>): string {
  const name = String(path?.[0]?.key);
  const expected = v.is(ClaimName, name) ? EXPECTED_CLAIMS[name] : "another value";
  return `${name}: expected ${expected}, but ${describeType(input)}`;
}

const ClaimName = v.keyof(CallerClaims);

function describeType(value: unknown): string {
  if (value === undefined) return "the claim is missing";
  if (value === null) return "it is null";
  if (Array.isArray(value)) return "it is a list";
  // The type may be right and the value wrong.
  return typeof value === "string" ? "it is another text" : `it is of the type ${typeof value}`;
}
