import { randomBytes, randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { AppContext, AppEnv } from "../hono-env.ts";
import type { Access } from "./access.ts";
import { insufficientScope, invalidToken, keysUnavailable, tokenRequired } from "./auth-responses.ts";
import type { Caller, Scope } from "./caller.ts";
import { InvalidTokenError, type TokenFault } from "./invalid-token-error.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import { createTokenVerifier, type VerifyToken } from "./verify-token.ts";

/** Request rejected for an invalid or missing token. */
export interface UnauthorizedCall {
  /** Id of the customer in the request's address. `undefined` if the customer does not exist. */
  readonly customer: string | undefined;
  /** Id under which the log has the request. `undefined` if requests are not observed. */
  readonly requestId: string | undefined;
  /** Id of the trace that the request belongs to. `undefined` if requests are not observed. */
  readonly traceId: string | undefined;
  /** Kind of the reason, of which there are few. */
  readonly kind: UnauthorizedKind;
  /** Reason, for the operator alone. Contains no part of the token. */
  readonly reason: string;
}

/** Kind of reason to reject a request: no token, a fault of the token, or a call that the token does not allow. */
export type UnauthorizedKind = "missing" | TokenFault | "keys_unavailable" | "scope" | "other_user";

/** Callback for a rejected request. */
export type OnUnauthorized = (call: UnauthorizedCall) => void;

/**
 * Counts a request that is rejected for its token or its secret. Returns the response if there have been too many from the
 * client's address.
 */
export type CountRejection = (context: AppContext) => Response | undefined;

/**
 * Kinds that are no reason to suspect the client. All pages of an office may come at the same time with a token that has
 * expired, and get another.
 */
const NOT_COUNTED: ReadonlySet<UnauthorizedKind> = new Set(["expired", "keys_unavailable"]);

/** Required scope by method. Routes respond to a different method with a 405 at most. */
const NEEDED_SCOPES: Readonly<Record<string, Scope>> = {
  GET: "availability:read",
  HEAD: "availability:read",
  PUT: "availability:write",
};

/**
 * Passes a request on if the customer's access and the token allow the request. Later handlers get the caller.
 *
 * An unknown customer gets the response of a customer whose secret does not match, after the same amount of work.
 */
export function authorize(
  onUnauthorized: OnUnauthorized,
  countRejection: CountRejection = () => undefined,
): MiddlewareHandler<AppEnv> {
  const unknownCustomerAccess = createUnknownCustomerAccess();

  function reject(context: AppContext, { kind, reason, respond }: AuthFailure): Response {
    const limited = NOT_COUNTED.has(kind) ? undefined : countRejection(context);
    // Too many rejections are counted alone, without a line in the log.
    if (limited) return limited;
    onUnauthorized(describeUnauthorized(context, kind, reason));
    return respond();
  }

  return async (context, next) => {
    const customer = context.get("customer");
    const { verify, anonymousReads } = customer?.access ?? unknownCustomerAccess;
    const scope = NEEDED_SCOPES[context.req.method];
    const authorization = context.req.header("Authorization");
    if (authorization === undefined) {
      if (anonymousReads && scope !== "availability:write") return next();
      const reason = "the request has no Authorization header";
      return reject(context, { kind: "missing", reason, respond: tokenRequired });
    }
    const caller = await verifyHeader(authorization, verify).catch(toAuthFailure);
    if ("respond" in caller) return reject(context, caller);
    // Before the check of the scope, for the audit of a rejected change.
    context.set("caller", caller);
    if (scope && !caller.scopes.has(scope)) {
      const hint = caller.hasOnlyScp ? ": it has the claim scp, and the gateway reads scope" : "";
      const reason = `the token does not have the scope ${scope}${hint}`;
      return reject(context, { kind: "scope", reason, respond: () => insufficientScope(scope) });
    }
    return next();
  };
}

/** Describes a rejected request, with the ids of the request's log line. */
export function describeUnauthorized(context: AppContext, kind: UnauthorizedKind, reason: string): UnauthorizedCall {
  return {
    customer: context.get("customer")?.id,
    requestId: context.get("requestId"),
    traceId: context.get("trace")?.traceId,
    kind,
    reason,
  };
}

function createUnknownCustomerAccess(): Access {
  const settings = {
    algorithm: "HS256",
    issuer: "unknown",
    audience: "unknown",
    leewaySeconds: 30,
    maxLifetimeSeconds: 60,
  } as const;
  const secret = randomBytes(32).toString("base64url");
  return { verify: createTokenVerifier({ ...settings, secret }, randomUUID()), anonymousReads: false };
}

async function verifyHeader(authorization: string, verify: VerifyToken): Promise<Caller> {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw new InvalidTokenError("The Authorization header contains no bearer token");
  return verify(token);
}

interface AuthFailure {
  readonly respond: () => Response;
  readonly kind: UnauthorizedKind;
  readonly reason: string;
}

function toAuthFailure(thrown: unknown): AuthFailure {
  if (thrown instanceof InvalidTokenError) return { respond: invalidToken, kind: thrown.fault, reason: thrown.message };
  if (thrown instanceof KeysUnavailableError)
    return { respond: keysUnavailable, kind: "keys_unavailable", reason: thrown.message };
  throw thrown;
}
