import type { Limit } from "../metrics/metrics.ts";

/** An exceeded limit. */
export interface LimitExceeded {
  readonly limit: Limit;
  /** Maximum number. */
  readonly allowed: number;
  /** Seconds until a retry can succeed. */
  readonly retryAfterSeconds: number;
}
