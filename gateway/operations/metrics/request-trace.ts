import type { ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { onResponseClosed } from "../../http/response-close.ts";
import type { TraceHeaders } from "../../outgoing-call.ts";
import { parseRequestId } from "../logging/request-id.ts";
import type { Observability } from "../observability.ts";
import { readTraceContext, type TraceContext } from "../tracing/trace-context.ts";
import { NONE } from "./customer-label.ts";

/** Headers with a request's id and trace; `undefined` if absent. */
export interface RequestHeaders extends TraceHeaders {
  readonly requestId: string | undefined;
}

/** Response to a request. */
export interface ResponseInfo {
  /** The route's pattern without its customer; `undefined` for an unknown path. */
  readonly route: string | undefined;
  readonly method: string;
  readonly status: number;
  /** `undefined` for an unknown customer. */
  readonly customer: string | undefined;
  /** True for a response that is counted, and gets no line in the log. @default false */
  readonly isUnlogged?: boolean | undefined;
}

/** Observes a request until the end of its response. */
export interface RequestTrace {
  readonly requestId: string;
  /**
   * Returns the request's trace. Created when first read, because most responses come from memory and need no trace.
   */
  trace(): TraceContext;
  /** Runs the handler of the request, so that calls of other services belong to the request's span. */
  run<Value>(handle: () => Value): Value;
  /**
   * Reports the response to the metrics at once, and to the log when `outgoing` is written or closed. Call it at the
   * start of the response, or after it if the response is written at once.
   */
  respond(response: ResponseInfo): void;
}

/** Node's response, of either HTTP version. */
type Outgoing = HttpBindings["outgoing"] | ServerResponse;

/** Methods with a label of their own. Clients can send any method. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]);

/** Starts to observe a request, whose response is written to `outgoing`. */
export function traceRequest(
  { log, metrics, tracing }: Pick<Observability, "log" | "metrics" | "tracing">,
  headers: RequestHeaders,
  outgoing: Outgoing | undefined,
): RequestTrace {
  const startedMs = performance.now();
  const endRequest = metrics.onRequestStarted();
  const requestId = parseRequestId(headers.requestId);
  const span = tracing?.startRequest(headers);
  let context: TraceContext | undefined = span;

  function trace(): TraceContext {
    context ??= readTraceContext(headers);
    return context;
  }

  function finish({ route = NONE, method, status, customer, isUnlogged }: ResponseInfo): void {
    endRequest();
    const isAborted = outgoing !== undefined && !outgoing.writableFinished;
    span?.end({ requestId, route, method: toKnownMethod(method), status, customer: customer ?? NONE, isAborted });
    if (isUnlogged) return;
    log.request?.({
      requestId,
      traceId: trace().traceId,
      ...(customer !== undefined && { customer }),
      method,
      route,
      status,
      durationMs: Math.round((performance.now() - startedMs) * 1000) / 1000,
      ...(isAborted && { aborted: true }),
    });
  }

  return {
    requestId,
    // Not a getter: V8 creates a hidden class for each object with a getter, and the class retains what the object
    // references.
    trace,
    run: (handle) => (span ? span.run(handle) : handle()),
    respond(response) {
      const { route = NONE, method, status, customer = NONE } = response;
      metrics.onRequest({
        route,
        method: toKnownMethod(method),
        status,
        customer,
        durationMs: performance.now() - startedMs,
      });
      // After the last byte is written, or the client has disconnected. A response that is written at once gets no
      // listener: V8 may come to create the list of listeners among old objects, and then each scavenge keeps everything
      // that a listener references, which is the whole request.
      if (!outgoing || outgoing.writableFinished) finish(response);
      else onResponseClosed(outgoing, () => finish(response));
    },
  };
}

function toKnownMethod(method: string): string {
  return METHODS.has(method) ? method : NONE;
}
