import type { ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { onResponseClosed } from "../../http/response-close.ts";
import { parseRequestId } from "../logging/request-id.ts";
import { parseTraceContext, type TraceContext } from "../logging/trace-context.ts";
import type { Observability } from "../observability.ts";

/** What a request's headers say of what it belongs to; each `undefined` where it says nothing. */
export interface GivenIdentity {
  readonly requestId: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate?: string | undefined;
}

/** How a request was answered. */
export interface ResponseInfo {
  /** The route's pattern without its customer; `undefined` where there is no such route. */
  readonly route: string | undefined;
  readonly method: string;
  readonly status: number;
  /** `undefined` where there is no such customer. */
  readonly customer: string | undefined;
}

/** One request, from its beginning until its answer has left. */
export interface RequestTrace {
  readonly requestId: string;
  /** The trace that the request belongs to. Read when somebody asks: most answers come from memory, and nobody does. */
  trace(): TraceContext;
  /** Tells the metrics at once, and the log when the answer has left `outgoing`. Call it when the answer begins. */
  answer(answered: ResponseInfo): void;
}

/** Node's response, over either version of HTTP. */
type Outgoing = HttpBindings["outgoing"] | ServerResponse;

/** The methods that are told apart: anybody can send any other. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]);

/** What the metrics say where there is no such route or customer: nobody else's word gets into them. */
const NONE = "none";

/** Begins to watch over a request, whose answer leaves through `outgoing`. */
export function traceRequest(
  { log, metrics }: Pick<Observability, "log" | "metrics">,
  given: GivenIdentity,
  outgoing: Outgoing | undefined,
): RequestTrace {
  const startedMs = performance.now();
  const end = metrics.onRequestBegun();
  const requestId = parseRequestId(given.requestId);
  let known: TraceContext | undefined;

  function trace(): TraceContext {
    known ??= parseTraceContext(given.traceparent, given.tracestate);
    return known;
  }

  function finish({ route = NONE, method, status, customer }: ResponseInfo): void {
    end();
    log.request?.({
      requestId,
      traceId: trace().traceId,
      ...(customer !== undefined && { customer }),
      method,
      route,
      status,
      durationMs: Math.round((performance.now() - startedMs) * 1000) / 1000,
      ...(outgoing && !outgoing.writableFinished && { aborted: true }),
    });
  }

  return {
    requestId,
    // Not a getter: V8 makes a class of its own for each object that has one, and with it keeps all that it can reach.
    trace,
    answer(answered) {
      const { route = NONE, method, status, customer = NONE } = answered;
      metrics.onRequest({
        route,
        method: METHODS.has(method) ? method : NONE,
        status,
        customer,
        durationMs: performance.now() - startedMs,
      });
      // When its last byte has been handed over, or can be no more.
      if (outgoing) onResponseClosed(outgoing, () => finish(answered));
      else finish(answered);
    },
  };
}
