import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { GatewayEnvironment } from "../environment.ts";
import { onceClosed } from "../response-close.ts";
import type { Operation } from "./operation.ts";
import { readRequestId } from "./request-id.ts";
import { readTraceContext } from "./trace-context.ts";

/** The methods that are told apart: anybody can send any other. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]);

/** What the metrics say where there is no such route or customer: nobody else's word gets into them. */
const NONE = "none";

/** What stands before the pattern of a route at a customer's own address. */
const CUSTOMER = "/c/:customer";

/**
 * Gives each request an id and a trace, hands both on to whoever answers it, and tells the log and the metrics how it was
 * answered. Register it before everything else.
 */
export function observeRequests({
  log,
  metrics,
}: Pick<Operation, "log" | "metrics">): MiddlewareHandler<GatewayEnvironment> {
  return async (context, next) => {
    const startedMs = performance.now();
    const requestId = readRequestId(context.req.header("X-Request-Id"));
    const trace = readTraceContext(context.req.header("traceparent"));
    context.set("requestId", requestId);
    context.set("trace", trace);
    const end = metrics.onRequestBegun();
    await next();
    context.res.headers.set("X-Request-Id", requestId);
    const route = readRoute(context) ?? NONE;
    const { status } = context.res;
    const { method } = context.req;
    // Not by `context.var`, which copies all of them at each look.
    const customer = context.get("customer")?.id;
    metrics.onRequest({
      route,
      method: METHODS.has(method) ? method : NONE,
      status,
      customer: customer ?? NONE,
      durationMs: performance.now() - startedMs,
    });
    whenAnswered(context, (aborted) => {
      end();
      log.request({
        requestId,
        traceId: trace.traceId,
        ...(customer !== undefined && { customer }),
        method,
        route,
        status,
        durationMs: Math.round((performance.now() - startedMs) * 1000) / 1000,
        ...(aborted && { aborted }),
      });
    });
  };
}

/** The pattern of the route that the request matched, without the customer in front of it. */
function readRoute(context: Context<GatewayEnvironment>): string | undefined {
  const routes = matchedRoutes(context);
  for (let index = routes.length - 1; index >= 0; index -= 1) {
    const path = routes[index]?.path;
    // What stands on every path, or on every path of an area, has been registered by something that answers none itself.
    if (path !== undefined && !path.endsWith("*"))
      return path.startsWith(CUSTOMER) ? path.slice(CUSTOMER.length) : path;
  }
  return undefined;
}

/** Calls back when the answer's last byte has been handed over, or can be no more. */
function whenAnswered(context: Context<GatewayEnvironment>, callback: (aborted: true | undefined) => void): void {
  const { outgoing } = context.env ?? {};
  if (!outgoing) callback(undefined);
  else onceClosed(outgoing, () => callback(outgoing.writableFinished ? undefined : true));
}
