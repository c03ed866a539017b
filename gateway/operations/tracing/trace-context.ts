import { randomUUID } from "node:crypto";
import { defaultTextMapGetter, ROOT_CONTEXT, type SpanContext, TraceFlags, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { TraceHeaders } from "../../outgoing-call.ts";

/** Trace of a request, by W3C Trace Context. */
export interface TraceContext {
  /** 32 hexadecimal digits, equal in the logs of every service along the way. */
  readonly traceId: string;
  /** Creates the headers with which a call of another service joins the trace. */
  headers(): TraceHeaders;
}

const propagator = new W3CTraceContextPropagator();

/** Flags "sampled" and "random trace id". The propagator writes other ones as three digits, and a receiver rejects these. */
const KNOWN_FLAGS = 0b11;

/** Parses the headers of a request; `undefined` if `traceparent` is missing or malformed. */
export function parseTraceHeaders(headers: TraceHeaders): SpanContext | undefined {
  if (headers.traceparent === undefined) return undefined;
  const parsed = trace.getSpanContext(propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter));
  return parsed && { ...parsed, traceFlags: parsed.traceFlags & KNOWN_FLAGS };
}

/** Writes the headers of a span for a call of another service. */
export function formatTraceHeaders(context: SpanContext): TraceHeaders {
  const headers: { traceparent?: string; tracestate?: string } = {};
  propagator.inject(trace.setSpanContext(ROOT_CONTEXT, context), headers, {
    set(_carrier, name, value) {
      if (name === "traceparent") headers.traceparent = value;
      // A state without a readable member is empty.
      else if (value !== "") headers.tracestate = value;
    },
  });
  return headers;
}

/**
 * Returns the trace of a request of which no span is recorded: the caller's trace, handed on as it came. A missing or
 * malformed header gives a new trace, which is not sampled.
 */
export function readTraceContext(headers: TraceHeaders): TraceContext {
  const context = parseTraceHeaders(headers) ?? createSpanContext();
  return { traceId: context.traceId, headers: () => formatTraceHeaders(context) };
}

function createSpanContext(): SpanContext {
  // The platform keeps random UUIDs in stock, so that this takes a fraction of the time of reading random bytes.
  const digits = randomUUID().replaceAll("-", "");
  return { traceId: digits, spanId: digits.slice(16), traceFlags: TraceFlags.NONE };
}
