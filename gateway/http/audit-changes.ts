import type { MiddlewareHandler } from "hono";
import type { Caller } from "../auth/caller.ts";
import type { AppEnv } from "../hono-env.ts";
import type { AuditRecord, ClientKind, Log, RequestIdentity } from "../operations/logging/log.ts";
import type { ChangeOutcome } from "./routes/make-change.ts";
import { OWN_USER, parseUserId } from "./routes/user-id.ts";

/** A requested change with its response. */
export interface AuditedChange {
  /** Ids of the request; `undefined` if requests are not observed. */
  readonly request: RequestIdentity | undefined;
  readonly customer: string;
  readonly caller: Caller;
  readonly userId: number | undefined;
  /** `undefined` if the request was rejected before its body was read. */
  readonly change: ChangeOutcome | undefined;
  /** Status of the response. */
  readonly status: number;
  readonly clientKind: ClientKind;
}

/**
 * Logs each change that a client with a valid token has requested, with the caller, the agent and the result, also if a
 * later handler rejects the change, but none of a flood. Register it on the path of a change, before `authorize`.
 */
export function auditChanges(log: Pick<Log, "audit">): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    // Afterwards the parameters are those of the handler that has responded.
    const userName = context.req.param("userId");
    await next();
    const customer = context.get("customer");
    const caller = context.get("caller");
    // Without a valid token the line would have no subject, and `Request rejected` has the reason.
    if (!customer || !caller || context.get("isUnlogged")) return;
    const requestId = context.get("requestId");
    const trace = context.get("trace");
    log.audit?.(
      toAuditRecord({
        request: requestId !== undefined && trace ? { requestId, traceId: trace.traceId } : undefined,
        customer: customer.id,
        caller,
        userId: findUserId(userName, caller),
        change: context.get("change"),
        status: context.res.status,
        clientKind: readClientKind((name) => context.req.header(name)),
      }),
    );
  };
}

function findUserId(name: string | undefined, { subject }: Caller): number | undefined {
  if (name === OWN_USER) return subject === "operator" ? undefined : subject;
  return name === undefined ? undefined : parseUserId(name);
}

/** Converts a change to a record of the log. Contains nothing of the token but its subject. */
export function toAuditRecord({ request, caller, change, ...known }: AuditedChange): AuditRecord {
  return {
    ...request,
    ...known,
    subject: caller.subject,
    from: change?.from,
    requested: change?.requested,
    to: change?.changed?.status,
    version: change?.changed?.version,
  };
}

/** Returns the kind of the client by its headers, which a program can imitate. */
export function readClientKind(readHeader: (name: string) => string | undefined): ClientKind {
  return (readHeader("sec-fetch-site") ?? readHeader("origin")) === undefined ? "program" : "browser";
}
