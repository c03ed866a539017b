import type { Clock } from "../clock.ts";
import { StoreUnavailableError } from "../store/availability-store.ts";
import { UpstreamError, type UpstreamHealth, type UpstreamLog } from "./upstream.ts";

/** How an upstream stands: what has gone well, and what has not. */
export interface HealthTracker {
  /** Everything is known as it was at this moment of the monotonic clock, and has been followed since. */
  recordSuccess(sinceMs: number): void;
  /** It is still being followed. */
  recordHeartbeat(): void;
  /** Something could not be learnt. */
  recordFailure(error: unknown): void;
  /** Nobody is known to follow the upstream at this moment. */
  markStale(): void;
  /** How many failures there have been since it last went well. */
  failureCount(): number;
  health(): Pick<UpstreamHealth, "staleSinceMs" | "failure">;
}

/** The standing of an upstream that was never heard. What has not been told to go well for `overdueMs` lags behind by itself. */
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
      if (failureCount > 0) log.line(`The telephony system answers again, after ${failureCount} failures`);
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
      // Once for all that follow: a system that is away for an hour would fill the log.
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
  else if (error instanceof StoreUnavailableError) log.warning("What the telephony system says cannot be kept");
  else log.defect(error);
}
