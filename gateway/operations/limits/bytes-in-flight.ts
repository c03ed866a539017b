import type { Context, MiddlewareHandler } from "hono";
import type { AppEnv } from "../../hono-env.ts";
import { problem } from "../../http/problem.ts";

/** Maximum length of a body that does not count, in bytes: the most that other requests may send. */
const SHORT_BYTES = 64 * 1024;

/** Maximum length of all long bodies at once, in bytes. */
const MAX_BYTES_IN_FLIGHT = 32 * 1024 * 1024;

const RETRY_AFTER_SECONDS = 5;

/** Limits of the long bodies of a route. */
export interface BytesInFlightOptions {
  /** Maximum length of one body, in bytes, which counts for a body of unknown length. */
  readonly maxBodyBytes: number;
  /** @default 32 MiB */
  readonly maxBytes?: number;
}

/**
 * Limits the memory for the long bodies of a route without tokens, whose sender is unknown until the body is read. `handle`
 * reads the body, and then calls the next handler. A request beyond the limit gets 503. Short bodies do not count, so that
 * senders of long ones stop no others.
 */
export function limitBytesInFlight(
  handle: MiddlewareHandler<AppEnv>,
  { maxBodyBytes, maxBytes = MAX_BYTES_IN_FLIGHT }: BytesInFlightOptions,
): MiddlewareHandler<AppEnv> {
  let bytesInFlight = 0;
  return async (context, next) => {
    const bytes = Math.min(readLength(context) ?? maxBodyBytes, maxBodyBytes);
    if (bytes <= SHORT_BYTES) return handle(context, next);
    if (bytesInFlight + bytes > maxBytes) {
      const headers = { "Retry-After": `${RETRY_AFTER_SECONDS}`, Connection: "close" };
      return problem(503, "The gateway has as many long webhooks as it can hold", headers);
    }
    bytesInFlight += bytes;
    try {
      return await handle(context, next);
    } finally {
      bytesInFlight -= bytes;
    }
  };
}

/** Reads the declared length of a body, in bytes; `undefined` for an unknown length. */
function readLength({ req }: Context): number | undefined {
  const length = req.header("Content-Length");
  // A transfer encoding overrides the length: RFC 9112 §6.3.
  const isDeclared = length !== undefined && req.header("Transfer-Encoding") === undefined && /^\d+$/.test(length);
  return isDeclared ? Number(length) : undefined;
}
