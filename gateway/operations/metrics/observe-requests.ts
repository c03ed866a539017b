import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { AppEnv } from "../../hono-env.ts";
import type { Observability } from "../observability.ts";
import { traceRequest } from "./request-trace.ts";

/** What stands before the pattern of a route at a customer's own address. */
const CUSTOMER = "/c/:customer";

/**
 * Gives each request an id and a trace, hands both on to whoever answers it, and tells the log and the metrics how it was
 * answered. Register it before everything else.
 */
export function observeRequests(operation: Pick<Observability, "log" | "metrics">): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const { req } = context;
    const given = {
      requestId: req.header("X-Request-Id"),
      traceparent: req.header("traceparent"),
      tracestate: req.header("tracestate"),
    };
    const observation = traceRequest(operation, given, context.env?.outgoing);
    context.set("requestId", observation.requestId);
    context.set("trace", observation.trace());
    await next();
    context.res.headers.set("X-Request-Id", observation.requestId);
    observation.answer({
      route: readRoute(context),
      method: req.method,
      status: context.res.status,
      // Not by `context.var`, which copies all of them at each look.
      customer: context.get("customer")?.id,
    });
  };
}

/** The pattern of the route that the request matched, without the customer in front of it. */
function readRoute(context: Context<AppEnv>): string | undefined {
  const routes = matchedRoutes(context);
  for (let index = routes.length - 1; index >= 0; index -= 1) {
    const path = routes[index]?.path;
    // What stands on every path, or on every path of an area, has been registered by something that answers none itself.
    if (path !== undefined && !path.endsWith("*"))
      return path.startsWith(CUSTOMER) ? path.slice(CUSTOMER.length) : path;
  }
  return undefined;
}
