import type { OutgoingCall } from "../../outgoing-call.ts";
import { StoreUnavailableError } from "../../store/availability-store.ts";
import { RedisReplyError } from "../../store/redis/connection.ts";
import { UpstreamError } from "../../upstream/upstream.ts";

/** Result of a call of another service, as a label. */
export type CallResult =
  | "ok"
  /** The telephony system answered with 429. */
  | "rate_limited"
  /** The service rejected the call: a status below 500, or an error of Redis. */
  | "rejected"
  /** The service failed: a status from 500, or a response that the gateway cannot read. */
  | "failed"
  | "timeout"
  | "unreachable"
  /** The gateway no longer waited, because the client had left or the gateway was stopping. */
  | "aborted";

/** Returns the result of a call that threw an error. */
export function toCallResult(error: unknown, { signal }: Pick<OutgoingCall, "signal">): CallResult {
  if (signal?.aborted) return "aborted";
  if (error instanceof UpstreamError) return toUpstreamResult(error);
  if (error instanceof RedisReplyError) return "rejected";
  if (error instanceof StoreUnavailableError) return "unreachable";
  return error instanceof Error && error.name === "TimeoutError" ? "timeout" : "failed";
}

function toUpstreamResult({ status, isTimeout, cause }: UpstreamError): CallResult {
  if (isTimeout) return "timeout";
  if (status === 429) return "rate_limited";
  if (status !== undefined) return status < 500 ? "rejected" : "failed";
  // Only an error of the network has a cause; all others are about a response.
  return cause === undefined ? "failed" : "unreachable";
}
