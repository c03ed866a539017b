import { randomBytes, randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { AppContext, AppEnv } from "../hono-env.ts";
import type { Access } from "./access.ts";
import { insufficientScope, invalidToken, keysUnavailable, tokenRequired } from "./auth-responses.ts";
import type { Caller, Scope } from "./caller.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import { createTokenVerifier, type VerifyToken } from "./verify-token.ts";

/** A request that was rejected for its token, or for the lack of one. */
export interface UnauthorizedCall {
  /** Id of the customer in the request's address. `undefined` if no such customer exists. */
  readonly customer: string | undefined;
  /** Id under which the log has the request. `undefined` if requests are not observed. */
  readonly requestId: string | undefined;
  /** Id of the trace that the request belongs to. `undefined` if requests are not observed. */
  readonly traceId: string | undefined;
  /** Reason, for the operator alone. It contains neither the token nor a part of it. */
  readonly reason: string;
}

/** Handles a rejected request. */
export type OnUnauthorized = (call: UnauthorizedCall) => void;

/** Scope that each method needs. No route responds to another method with more than a 405. */
const NEEDED_SCOPES: Readonly<Record<string, Scope>> = {
  GET: "availability:read",
  HEAD: "availability:read",
  PUT: "availability:write",
};

/**
 * Passes a request on if its customer's access and its token allow it, with its caller for the routes behind.
 *
 * A customer that does not exist gets the response of one whose secret is unknown, by the same work.
 */
export function authorize(onUnauthorized: OnUnauthorized): MiddlewareHandler<AppEnv> {
  const unknownCustomerAccess = createUnknownCustomerAccess();

  return async (context, next) => {
    const customer = context.get("customer");
    const { verify, anonymousReads } = customer?.access ?? unknownCustomerAccess;
    const scope = NEEDED_SCOPES[context.req.method];
    const authorization = context.req.header("Authorization");
    if (authorization === undefined) {
      if (anonymousReads && scope !== "availability:write") return next();
      onUnauthorized(describeUnauthorized(context, "the request has no Authorization header"));
      return tokenRequired();
    }
    const caller = await verifyHeader(authorization, verify).catch(toReason);
    if ("answer" in caller) {
      onUnauthorized(describeUnauthorized(context, caller.reason));
      return caller.answer();
    }
    if (scope && !caller.scopes.has(scope)) {
      onUnauthorized(describeUnauthorized(context, `the token does not have the scope ${scope}`));
      return insufficientScope(scope);
    }
    context.set("caller", caller);
    return next();
  };
}

/** The rejection of the request at hand, with the ids that join it to the request's line of the log. */
export function describeUnauthorized(context: AppContext, reason: string): UnauthorizedCall {
  return {
    customer: context.get("customer")?.id,
    requestId: context.get("requestId"),
    traceId: context.get("trace")?.traceId,
    reason,
  };
}

function createUnknownCustomerAccess(): Access {
  const settings = { algorithm: "HS256", issuer: "nobody", audience: "nobody", leewaySeconds: 30 } as const;
  const secret = randomBytes(32).toString("base64url");
  return { verify: createTokenVerifier({ ...settings, secret }, randomUUID()), anonymousReads: false };
}

async function verifyHeader(authorization: string, verify: VerifyToken): Promise<Caller> {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw new InvalidTokenError("The Authorization header holds no bearer token");
  return verify(token);
}

interface AuthFailure {
  readonly answer: () => Response;
  readonly reason: string;
}

function toReason(thrown: unknown): AuthFailure {
  if (thrown instanceof InvalidTokenError) return { answer: invalidToken, reason: thrown.message };
  if (thrown instanceof KeysUnavailableError) return { answer: keysUnavailable, reason: thrown.message };
  throw thrown;
}
