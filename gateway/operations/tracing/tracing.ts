import type { ObserveCall, TraceHeaders } from "../../outgoing-call.ts";
import type { TraceContext } from "./trace-context.ts";

/** Spans of requests and of the calls that a request causes, which are exported to a collector. */
export interface Tracing {
  /** Starts the span of a request, in the trace of its headers. */
  startRequest(headers: TraceHeaders): RequestSpan;
  /** Runs a call in a span of its own, if the call belongs to a request whose span is recorded. */
  readonly observe: ObserveCall;
  /** Exports the spans that have ended, for two seconds at most. Later spans are lost. */
  close(): Promise<void>;
}

/** Span of a request. The headers are for calls that the request causes. */
export interface RequestSpan extends TraceContext {
  /** Runs the handler of the request, whose calls become children of the span. */
  run<Value>(handle: () => Value): Value;
  /** Ends the span when the response is written. */
  end(response: TracedResponse): void;
}

/** Response to a request, for the attributes of its span. No field has a text of a client, except its request id. */
export interface TracedResponse {
  readonly requestId: string;
  /** The route's pattern without its customer. */
  readonly route: string;
  /** A known method; `none` for any other. */
  readonly method: string;
  readonly status: number;
  /** `none` for an unknown customer. */
  readonly customer: string;
  /** True if the client disconnected before the end of the response. */
  readonly isAborted: boolean;
}
