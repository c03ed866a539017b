import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Caller } from "./auth/caller.ts";
import type { Customer } from "./customer.ts";
import type { TraceContext } from "./operations/logging/trace-context.ts";

/** What a route knows of the request at hand, beside the request itself. */
export interface AppEnv {
  readonly Variables: {
    /** Whose address was asked; `undefined` where there is no such customer. */
    readonly customer: Customer | undefined;
    /** Whose token came along; `undefined` where a call was served without one. */
    readonly caller: Caller | undefined;
    /** What the request is called in the log; `undefined` where nobody watches over requests. */
    readonly requestId: string | undefined;
    /** The trace that the request belongs to, to be handed on with whatever is asked of others for it. */
    readonly trace: TraceContext | undefined;
  };
  /** Node's own request and response, for what has to write to the socket itself. Absent where no server listens. */
  readonly Bindings: Partial<HttpBindings>;
}

export type AppContext = Context<AppEnv>;
