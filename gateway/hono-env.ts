import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Caller } from "./auth/caller.ts";
import type { Customer } from "./customer.ts";
import type { ChangeOutcome } from "./http/routes/make-change.ts";
import type { TraceContext } from "./operations/tracing/trace-context.ts";

/** Variables and bindings of the request's context. */
export interface AppEnv {
  readonly Variables: {
    /** Customer in the address; `undefined` if there is no such customer. */
    readonly customer: Customer | undefined;
    /** Caller with the request's token; `undefined` for a request without a token. */
    readonly caller: Caller | undefined;
    /** Counts formatted agents or changes towards the caller's limits; `undefined` for a request that is not counted. */
    readonly countFormatted: ((count: number) => void) | undefined;
    /**
     * Counts a list of so many bytes until its client has read it. Returns the response if the client leaves too many long
     * lists unread. `undefined` for a request that is not counted.
     */
    readonly countList: ((bytes: number) => Response | undefined) | undefined;
    /** Id of the request in the log; `undefined` without observability. */
    readonly requestId: string | undefined;
    /** Result of a change of a status; `undefined` before the body of the request is read. */
    readonly change: ChangeOutcome | undefined;
    /** True for a request of a flood, which gets no line in the log; `undefined` for every other request. */
    readonly isUnlogged: boolean | undefined;
    /** Trace of the request, to forward with requests to the upstream. */
    readonly trace: TraceContext | undefined;
  };
  /** Node's own request and response, for routes that write to the socket. Absent without a server. */
  readonly Bindings: Partial<HttpBindings>;
}

export type AppContext = Context<AppEnv>;
