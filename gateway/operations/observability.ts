import type { Readiness } from "./lifecycle/readiness.ts";
import type { TrustedProxies } from "./limits/client-address.ts";
import type { RateLimits } from "./limits/rate-limits.ts";
import type { Log } from "./logging/log.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Tracing } from "./tracing/tracing.ts";

/** Log, metrics, readiness and limits of a gateway's requests. */
export interface Observability {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Spans of the requests. @default none: the trace of a request is handed on, and no span is recorded */
  readonly tracing?: Tracing | undefined;
  /** True if the metrics are public, as in a demo, which has only one customer. */
  readonly servesMetrics: boolean;
  readonly readiness: Readiness;
  readonly rateLimits: RateLimits;
  readonly trustedProxies: TrustedProxies;
}
