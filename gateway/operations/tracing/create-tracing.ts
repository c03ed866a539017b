import { setTimeout as delay } from "node:timers/promises";
import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type { Resource } from "@opentelemetry/resources";
import { BasicTracerProvider, type SpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { OutgoingCall } from "../../outgoing-call.ts";
import { VERSION } from "../../version.ts";
import { toCallResult } from "../metrics/call-result.ts";
import { formatTraceHeaders, parseTraceHeaders } from "./trace-context.ts";
import type { Tracing } from "./tracing.ts";

/** Timeout for the last export, in milliseconds: a stopping gateway does not wait for a collector that is away. */
const CLOSE_LIMIT_MS = 2_000;

export interface TracingOptions {
  readonly spanProcessors: SpanProcessor[];
  /** The process, as each span tells it. */
  readonly resource?: Resource;
}

/**
 * Creates spans by the SDK, which reads the sampler and the limits of spans from the process's environment. Registers
 * nothing globally.
 */
export function createTracing(options: TracingOptions): Tracing {
  const provider = new BasicTracerProvider(options);
  const tracer = provider.getTracer("availability-gateway", VERSION);
  const contexts = new AsyncLocalStorageContextManager().enable();
  return {
    startRequest(headers) {
      const remote = parseTraceHeaders(headers);
      const parent = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
      const span = tracer.startSpan("request", { kind: SpanKind.SERVER }, parent);
      const context = trace.setSpan(parent, span);
      return {
        traceId: span.spanContext().traceId,
        headers: () => formatTraceHeaders(span.spanContext()),
        run: (handle) => contexts.with(context, handle),
        end({ requestId, route, method, status, customer, isAborted }) {
          span.updateName(`${method} ${route}`);
          span.setAttributes({
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "gateway.customer": customer,
            "gateway.request_id": requestId,
            ...(isAborted && { "gateway.aborted": true }),
          });
          // The conventions of OpenTelemetry: a status below 500 is no error of the server.
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    async observe(call, run) {
      const parent = contexts.active();
      // A span that has ended does not record: work that goes on after the response belongs to no request.
      if (!trace.getSpan(parent)?.isRecording()) return run({});
      const { service, operation } = call;
      const span = tracer.startSpan(
        `${service} ${operation}`,
        { kind: SpanKind.CLIENT, attributes: toAttributes(call) },
        parent,
      );
      try {
        return await contexts.with(trace.setSpan(parent, span), () => run(formatTraceHeaders(span.spanContext())));
      } catch (error) {
        // Not the message of the error, which may have a text of the other service.
        span.setAttribute("error.type", toCallResult(error, call)).setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
    async close() {
      await Promise.race([provider.shutdown(), delay(CLOSE_LIMIT_MS, undefined, { ref: false })]);
      contexts.disable();
    },
  };
}

function toAttributes(call: OutgoingCall): Attributes {
  if (call.service === "redis") return { "db.system.name": "redis", "db.operation.name": call.operation };
  return { "gateway.customer": call.customer };
}
