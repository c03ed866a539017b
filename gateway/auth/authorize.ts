import { randomBytes, randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { GatewayEnvironment } from "../environment.ts";
import type { Access } from "./access.ts";
import type { Caller, Scope } from "./caller.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import { KeysUnavailableError } from "./keys-unavailable-error.ts";
import { deferVerification, demandToken, refuseScope, refuseToken } from "./refusal-answers.ts";
import { createTokenVerifier, type VerifyToken } from "./verify-token.ts";

/** A call that was not let through for its token. */
export interface RefusedCall {
  /** Whose address was asked, as the address says. `undefined` where there is no such customer. */
  readonly customer: string | undefined;
  /** For the operator. It holds neither the token nor a part of it. */
  readonly reason: string;
}

/** What each method needs. No call answers to another method with more than a 405. */
const NEEDED_SCOPES: Readonly<Record<string, Scope>> = {
  GET: "availability:read",
  HEAD: "availability:read",
  PUT: "availability:write",
};

/**
 * Lets a call through where its customer's access and its token allow it, and tells the routes behind it who calls.
 *
 * A customer that does not exist is answered as one whose secret nobody knows, by the same work.
 */
export function authorize(onRefusal: (call: RefusedCall) => void): MiddlewareHandler<GatewayEnvironment> {
  const nobody = createNobodysAccess();

  return async (context, next) => {
    const customer = context.get("customer");
    const { verify, anonymousReads } = customer?.access ?? nobody;
    const scope = NEEDED_SCOPES[context.req.method];
    const authorization = context.req.header("Authorization");
    if (authorization === undefined) {
      if (!anonymousReads || scope === "availability:write") return demandToken();
      return next();
    }
    const caller = await verifyHeader(authorization, verify).catch(toReason);
    if ("answer" in caller) {
      onRefusal({ customer: customer?.id, reason: caller.reason });
      return caller.answer();
    }
    if (scope && !caller.scopes.has(scope)) return refuseScope(scope);
    context.set("caller", caller);
    return next();
  };
}

function createNobodysAccess(): Access {
  const settings = { algorithm: "HS256", issuer: "nobody", audience: "nobody", leewaySeconds: 30 } as const;
  const secret = randomBytes(32).toString("base64url");
  return { verify: createTokenVerifier({ ...settings, secret }, randomUUID()), anonymousReads: false };
}

async function verifyHeader(authorization: string, verify: VerifyToken): Promise<Caller> {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw new InvalidTokenError("The Authorization header holds no bearer token");
  return verify(token);
}

interface Refusal {
  readonly answer: () => Response;
  readonly reason: string;
}

function toReason(thrown: unknown): Refusal {
  if (thrown instanceof InvalidTokenError) return { answer: refuseToken, reason: thrown.message };
  if (thrown instanceof KeysUnavailableError) return { answer: deferVerification, reason: thrown.message };
  throw thrown;
}
