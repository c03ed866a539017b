import type { RequestIdentity } from "../operations/logging/log.ts";
import { StoreUnavailableError, VersionMismatchError } from "../store/availability-store.ts";
import { RateBudgetError, UnsupportedStatusError, UpstreamError } from "../upstream/upstream.ts";
import { problem } from "./problem.ts";

/** Seconds until a client should retry, unless the upstream has named a time. */
const RETRY_AFTER_SECONDS = 5;

/** Failed request. */
export interface FailedRequest {
  readonly onDefect: (error: unknown, request?: RequestIdentity) => void;
  /** Ids of the request; `undefined` if requests are not observed. */
  readonly request: RequestIdentity | undefined;
  /** True if the error says only that the client has disconnected. */
  readonly isDisconnect: boolean;
}

/** Responds to an error of a request. Reports an unexpected error. */
export function respondToError(thrown: unknown, { onDefect, request, isDisconnect }: FailedRequest): Response {
  const response = toErrorResponse(thrown);
  if (response) return response;
  if (!isDisconnect) onDefect(thrown, request);
  return problem(500, "The gateway failed to answer; its log says why");
}

/** Converts an expected error to a response; `undefined` for a defect. */
export function toErrorResponse(thrown: unknown): Response | undefined {
  if (thrown instanceof VersionMismatchError) {
    return problem(412, `The user's version is ${thrown.version}`, { ETag: `"${thrown.version}"` });
  }
  if (thrown instanceof StoreUnavailableError) {
    return problem(503, "The availabilities cannot be reached", { "Retry-After": `${RETRY_AFTER_SECONDS}` });
  }
  if (thrown instanceof UnsupportedStatusError) return problem(422, thrown.message);
  if (thrown instanceof RateBudgetError) {
    return problem(503, thrown.message, { "Retry-After": `${thrown.retryAfterSeconds}` });
  }
  return thrown instanceof UpstreamError ? forwardUpstreamError(thrown) : undefined;
}

/** Forwards the upstream's error response unchanged. Without a response, the gateway makes a problem of its own. */
function forwardUpstreamError({ status, body, retryAfterSeconds, isTimeout }: UpstreamError): Response {
  const retryAfter = { "Retry-After": `${retryAfterSeconds ?? RETRY_AFTER_SECONDS}` };
  if (isTimeout) return problem(504, "The telephony system did not answer in time", retryAfter);
  if (status === undefined) return problem(502, "The telephony system cannot be reached", retryAfter);
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      ...(retryAfterSeconds !== undefined && retryAfter),
    },
  });
}
