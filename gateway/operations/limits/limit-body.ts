import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { AppEnv } from "../../hono-env.ts";

/**
 * Creates a limit of the length of a request's body, in bytes. `onError` responds to a longer body.
 *
 * A length that the request declares is compared without the body: hono's limit would create a web Request with a stream
 * of the body, which takes longer than the rest of a change. Node cuts a body off at its declared length.
 */
export function limitBody(maxBytes: number, onError: (context: Context) => Response): MiddlewareHandler<AppEnv> {
  const limitUndeclared = bodyLimit({ maxSize: maxBytes, onError });
  return async (context, next) => {
    const headers = context.env?.incoming?.headers;
    const length = headers?.["content-length"];
    // A transfer encoding overrides the length: RFC 9112 §6.3.
    if (length === undefined || headers?.["transfer-encoding"] !== undefined) return limitUndeclared(context, next);
    // Not less than or equal, so that a length which is no number is rejected.
    if (!(Number(length) <= maxBytes)) return onError(context);
    return next();
  };
}
