import * as v from "valibot";

const Endpoint = v.pipe(
  v.string(),
  v.check(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    // Without the value, which may have a password.
    () => "expected the http or https address of a collector",
  ),
);

/**
 * Schemas of the variables of OpenTelemetry that an operator needs, with their documentation. Only addresses are checked: the
 * libraries read the others from the process's environment, warn of a value that they do not know, and go on with a default.
 */
export const TRACING_VARIABLES = {
  OTEL_EXPORTER_OTLP_ENDPOINT: v.pipe(
    v.optional(Endpoint),
    v.metadata({
      meaning: "address of the collector to send traces to, by OTLP over HTTP; without it there are no traces",
      example: "http://127.0.0.1:4318",
    }),
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: v.pipe(
    v.optional(Endpoint),
    v.metadata({
      meaning: "whole address for traces, in place of OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces",
      example: "http://127.0.0.1:4318/v1/traces",
    }),
  ),
  OTEL_SERVICE_NAME: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "name of the gateway in traces", example: "availability-gateway" }),
  ),
  OTEL_TRACES_SAMPLER: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "which requests are recorded", example: "parentbased_traceidratio" }),
  ),
  OTEL_TRACES_SAMPLER_ARG: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "share of the requests that a sampler with a ratio records", example: "0.01" }),
  ),
  OTEL_SDK_DISABLED: v.pipe(
    v.optional(v.string()),
    v.metadata({ meaning: "true for no traces, whatever the other variables say", example: "true" }),
  ),
};

type TracingValues = v.InferOutput<ReturnType<typeof v.object<typeof TRACING_VARIABLES>>>;

/** True if the variables name a collector, and do not turn traces off. */
export function areTracesExported(values: TracingValues): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesEndpoint } = values;
  return (endpoint ?? tracesEndpoint) !== undefined && values.OTEL_SDK_DISABLED?.toLowerCase() !== "true";
}
