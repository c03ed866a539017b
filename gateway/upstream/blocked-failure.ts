import type { Clock } from "../clock.ts";
import { UpstreamError } from "./upstream.ts";

/** Status of a response after which the upstream is blocked. */
const TOO_MANY_REQUESTS = 429;

/**
 * Creates a function that gives a 429 the time until the block ends, in milliseconds of the monotonic clock, as
 * `retryAfterSeconds` at the time of the call, at least 1. Other failures, and those without a known block, stay unchanged.
 */
export function createBlockedFailure(
  clock: Clock,
): (failure: UpstreamError, blockEndsMs: number | undefined) => UpstreamError {
  /** Kept for a second, because every request asks for the failure. */
  let latest:
    | { readonly failure: UpstreamError; readonly seconds: number; readonly blocked: UpstreamError }
    | undefined;
  return (failure, blockEndsMs) => {
    if (failure.status !== TOO_MANY_REQUESTS || blockEndsMs === undefined) return failure;
    const seconds = Math.max(1, Math.ceil((blockEndsMs - clock.monotonicMs()) / 1000));
    if (latest?.failure === failure && latest.seconds === seconds) return latest.blocked;
    const { message, status, body } = failure;
    const blocked = new UpstreamError(message, { status, body, retryAfterSeconds: seconds }, { cause: failure });
    latest = { failure, seconds, blocked };
    return blocked;
  };
}
