import type { Readiness } from "./lifecycle/readiness.ts";
import type { TrustedProxies } from "./limits/client-address.ts";
import type { RateLimits } from "./limits/rate-limits.ts";
import type { Log } from "./logging/log.ts";
import type { Metrics } from "./metrics/metrics.ts";

/** What the operator sees of a gateway's requests, and what keeps them within bounds. */
export interface Observability {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Whether the metrics are everybody's to read, as in a demo, which has no customers to tell apart. */
  readonly servesMetrics: boolean;
  readonly readiness: Readiness;
  readonly trafficLimits: RateLimits;
  readonly trustedProxies: TrustedProxies;
}
