import { DiagLogLevel, diag } from "@opentelemetry/api";
import { ExportResultCode } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { systemErrorCode } from "../../system-error.ts";
import { VERSION } from "../../version.ts";
import type { Log } from "../logging/log.ts";
import { serializeError } from "../logging/serialize-error.ts";
import { createTracing } from "./create-tracing.ts";
import type { Tracing } from "./tracing.ts";

/** The only protocol of the exporter. */
const PROTOCOL = "http/protobuf";

export interface OpenTracingOptions {
  /** Gets a warning when spans cannot be exported, and a line when they can be again. */
  readonly log: Pick<Log, "line" | "warning">;
  /** Called with the number of spans that could not be exported. */
  readonly onSpansLost: (count: number) => void;
}

/**
 * Opens the export of spans to the collector of the process's environment, by OTLP over HTTP. The libraries read
 * `OTEL_…`: the exporter its addresses, headers and certificates, the SDK the sampler, the limits and the batches.
 */
export function openTracing(options: OpenTracingOptions): Tracing {
  // The libraries report values that they do not understand, and go on with a default.
  const warn = (message: string) => options.log.warning(`OpenTelemetry: ${message}`);
  const quiet = () => {};
  diag.setLogger({ error: warn, warn, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
  const protocol = process.env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] ?? process.env["OTEL_EXPORTER_OTLP_PROTOCOL"];
  if (protocol && protocol !== PROTOCOL) warn(`the gateway sends ${PROTOCOL}, not ${protocol}`);
  try {
    const exporter = reportFailures(new OTLPTraceExporter(), options);
    return createTracing({ spanProcessors: [new BatchSpanProcessor(exporter)], resource: describeProcess() });
  } finally {
    // Later messages are about exports, which are reported once.
    diag.disable();
  }
}

/** Describes the process by its name and release, unless `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` have others. */
function describeProcess() {
  return defaultResource()
    .merge(resourceFromAttributes({ "service.name": "availability-gateway", "service.version": VERSION }))
    .merge(detectResources({ detectors: [serviceInstanceIdDetector, envDetector] }));
}

/** Reports the first failure of a series and its end. The processor behind learns of neither, and would log each. */
function reportFailures(exporter: SpanExporter, { log, onSpansLost }: OpenTracingOptions): SpanExporter {
  let isFailing = false;
  return {
    export(spans, onDone) {
      exporter.export(spans, ({ code, error }) => {
        const hasFailed = code !== ExportResultCode.SUCCESS;
        if (hasFailed) onSpansLost(spans.length);
        if (hasFailed && !isFailing)
          log.warning(`Spans cannot be exported: ${describe(error)}; requests are not affected`);
        if (!hasFailed && isFailing) log.line("Spans are exported again");
        isFailing = hasFailed;
        onDone({ code: ExportResultCode.SUCCESS });
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

function describe(error: Error | undefined): string {
  return systemErrorCode(error) ?? (error ? serializeError(error).message : "unknown reason");
}
