import type { Readiness } from "./lifecycle/readiness.ts";
import type { TrustedProxies } from "./limits/client-address.ts";
import type { RateLimits } from "./limits/rate-limits.ts";
import type { Log } from "./logging/log.ts";
import type { Metrics } from "./metrics/metrics.ts";

/** Log, metrics, readiness and limits of a gateway's requests. */
export interface Observability {
  readonly log: Log;
  readonly metrics: Metrics;
  /** True if the metrics are public, as in a demo, which has only one customer. */
  readonly servesMetrics: boolean;
  readonly readiness: Readiness;
  readonly rateLimits: RateLimits;
  readonly trustedProxies: TrustedProxies;
}
