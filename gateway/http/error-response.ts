import { StoreUnavailableError, VersionMismatchError } from "../store/availability-store.ts";
import { RateBudgetError, UnsupportedStatusError, UpstreamError } from "../upstream/upstream.ts";
import { problem } from "./problem.ts";

/** How long a reader should leave the gateway alone where nothing better is known, in seconds. */
const RETRY_AFTER_SECONDS = 5;

/** What the asker is told of something that was thrown on purpose; `undefined` where it is a defect. */
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
  return thrown instanceof UpstreamError ? passOn(thrown) : undefined;
}

/** What the upstream answered, as it answered it; a problem of the gateway's own where it did not answer. */
function passOn({ status, body, retryAfterSeconds, isTimeout }: UpstreamError): Response {
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
