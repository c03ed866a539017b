import type { Clock } from "../clock.ts";
import { StoreUnavailableError } from "../store/availability-store.ts";
import { UpstreamError, type UpstreamHealth, type UpstreamLog } from "./upstream.ts";

/** Tracks the successes and failures of an upstream. */
export interface HealthTracker {
  /** Records that the store is current as of a moment of the monotonic clock. */
  recordSuccess(sinceMs: number): void;
  /** Records that the upstream is still being polled. */
  recordHeartbeat(): void;
  /** Records a failed read of the upstream. */
  recordFailure(error: unknown): void;
  /** Marks the store as stale: no gateway is known to poll the upstream. */
  markStale(): void;
  /** Number of failures since the last success. */
  failureCount(): number;
  health(): Pick<UpstreamHealth, "staleSinceMs" | "failure">;
}

/**
 * Creates the tracker of an upstream without a success yet. The store becomes stale after `overdueMs` milliseconds
 * without a success or heartbeat.
 */
export function createHealthTracker(options: {
  readonly overdueMs: number;
  readonly clock: Clock;
  readonly log: UpstreamLog;
}): HealthTracker {
  const { overdueMs, clock, log } = options;
  let currentAtMs = -Infinity;
  let lastHeartbeatMs = -Infinity;
  let isMarkedStale = true;
  let failureCount = 0;
  let failure: UpstreamError | undefined;

  return {
    failureCount: () => failureCount,
    recordSuccess(sinceMs) {
      if (failureCount > 0) log.line(`The telephony system responds again, after ${failureCount} failures`);
      currentAtMs = sinceMs;
      lastHeartbeatMs = clock.monotonicMs();
      isMarkedStale = false;
      failureCount = 0;
      failure = undefined;
    },
    recordHeartbeat() {
      lastHeartbeatMs = clock.monotonicMs();
    },
    recordFailure(error) {
      failureCount += 1;
      isMarkedStale = true;
      failure = error instanceof UpstreamError ? error : undefined;
      // Log the first failure of a series only: an outage of an hour would fill the log.
      if (failureCount === 1) report(log, error);
    },
    markStale() {
      isMarkedStale = true;
    },
    health() {
      const isStale = isMarkedStale || clock.monotonicMs() - lastHeartbeatMs > overdueMs;
      return { staleSinceMs: isStale ? currentAtMs : undefined, failure };
    },
  };
}

function report(log: UpstreamLog, error: unknown): void {
  if (error instanceof UpstreamError) log.warning(error.message);
  else if (error instanceof StoreUnavailableError) log.warning("The state of the telephony system cannot be stored");
  else log.defect(error);
}
