/** Call of another service. No field has data of a request. */
export type OutgoingCall = ServiceCall & {
  /** Signal of the party that waits for the call: a call that fails after an abort has not failed by itself. */
  readonly signal?: AbortSignal;
};

type ServiceCall =
  | { readonly service: "upstream"; readonly operation: "list" | "read" | "set"; readonly customer: string }
  | { readonly service: "key set"; readonly operation: "fetch"; readonly customer: string }
  | { readonly service: "redis"; readonly operation: string };

/** W3C Trace Context of a call, in the headers of the same names. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/**
 * Runs a call of another service, and resolves or rejects as the call does. Metrics and traces see the call's kind, its
 * duration and its result. The call gets the headers of its own span; none if the call belongs to no recorded trace.
 */
export type ObserveCall = <Value>(call: OutgoingCall, run: (headers: TraceHeaders) => Promise<Value>) => Promise<Value>;

/** Runs a call that nothing observes. */
export const runUnobserved: ObserveCall = (_call, run) => run({});
