import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { AppEnv } from "../../hono-env.ts";
import type { Observability } from "../observability.ts";
import { traceRequest } from "./request-trace.ts";

/** Prefix of a route's pattern at a customer's own address. */
const CUSTOMER = "/c/:customer";

/**
 * Gives each request an id and a trace, stores both in the context for later routes, and reports the response to the
 * log and the metrics. Register before every other middleware.
 */
export function observeRequests(
  observability: Pick<Observability, "log" | "metrics" | "tracing">,
): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const { req } = context;
    const headers = {
      requestId: req.header("X-Request-Id"),
      traceparent: req.header("traceparent"),
      tracestate: req.header("tracestate"),
    };
    const requestTrace = traceRequest(observability, headers, context.env?.outgoing);
    context.set("requestId", requestTrace.requestId);
    context.set("trace", requestTrace.trace());
    await requestTrace.run(next);
    context.res.headers.set("X-Request-Id", requestTrace.requestId);
    requestTrace.respond({
      route: readRoute(context),
      method: req.method,
      status: context.res.status,
      // Not `context.var`, which copies every variable at each access.
      customer: context.get("customer")?.id,
      isUnlogged: context.get("isUnlogged"),
    });
  };
}

/** Returns the pattern of the matched route without the customer's prefix. */
function readRoute(context: Context<AppEnv>): string | undefined {
  const routes = matchedRoutes(context);
  for (let index = routes.length - 1; index >= 0; index -= 1) {
    const path = routes[index]?.path;
    // Patterns with a wildcard belong to middleware without responses.
    if (path !== undefined && !path.endsWith("*"))
      return path.startsWith(CUSTOMER) ? path.slice(CUSTOMER.length) : path;
  }
  return undefined;
}
