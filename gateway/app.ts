import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { RegExpRouter } from "hono/router/reg-exp-router";
import type { BuiltFiles } from "./assets/built-files.ts";
import { authorize, type OnUnauthorized } from "./auth/authorize.ts";
import { systemClock } from "./clock.ts";
import type { Customers } from "./customer.ts";
import type { AppEnv } from "./hono-env.ts";
import { auditChanges } from "./http/audit-changes.ts";
import { respondToError } from "./http/error-response.ts";
import { problem } from "./http/problem.ts";
import { AVAILABILITY_PATH } from "./http/routes/availability.ts";
import { createEmbedRoutes } from "./http/routes/embed.ts";
import { OWN_SECRET_ROUTES, TOKEN_ROUTES } from "./http/routes/index.ts";
import { createOpenApiRoutes } from "./http/routes/openapi.ts";
import { createWidgetRoutes } from "./http/routes/widget.ts";
import { readScriptName, securityHeadersFor } from "./http/security-headers.ts";
import { createSharedLists, type SharedLists } from "./http/shared-lists.ts";
import { createLivenessRoutes, createMetricsRoutes, createReadinessRoutes } from "./operations/lifecycle/health.ts";
import {
  limitRejections,
  limitRequestRate,
  limitRequestSize,
  limitStreams,
} from "./operations/limits/limit-requests.ts";
import { warnOfUntrustedProxy } from "./operations/limits/untrusted-proxy.ts";
import type { RequestIdentity } from "./operations/logging/log.ts";
import { observeRequests } from "./operations/metrics/observe-requests.ts";
import type { Observability } from "./operations/observability.ts";
import { createStreamHub, type StreamHub } from "./stream/stream-hub.ts";
import { eventLoopTurns } from "./turns.ts";

/** Parts of a gateway. */
export interface GatewayOptions {
  readonly customers: Customers;
  /** The built widget and loader script. */
  readonly files: BuiltFiles;
  /** Time for which browsers use `embed.js` without asking for a newer one, in seconds. @default 300 */
  readonly scriptMaxAgeSeconds?: number;
  /** Called for each unexpected error of a request. The client gets a 500 without the reason. */
  readonly onDefect: (error: unknown, request?: RequestIdentity) => void;
  /**
   * Called for each request that was rejected because of a bad or missing token. The client does not get the reason.
   * @default none
   */
  readonly onUnauthorized?: OnUnauthorized;
  /**
   * Hub of the open streams, for a caller with streams to close. @default a hub of its own, whose streams end with
   * their connections
   */
  readonly streams?: StreamHub;
  /** Lists of all agents, shared with other ways to the gateway. @default lists of its own */
  readonly lists?: SharedLists;
  /**
   * Log, metrics and limits of the requests. @default none: no request is logged, measured or limited, and there is no
   * `/readyz`
   */
  readonly observability?: Observability;
}

/**
 * Creates the gateway as a function from request to response, for any fetch-style server.
 *
 * @throws {WidgetDocumentError} if the built document has no place for the widget's settings.
 */
export function createGateway(options: GatewayOptions): Hono<AppEnv> {
  const { customers, onDefect, observability } = options;
  const handleError = createErrorHandler(onDefect);
  const app = new Hono<AppEnv>({ router: new RegExpRouter() });
  app.onError(handleError);
  const handleNotFound = createNotFoundHandler(options.files);
  app.notFound(handleNotFound);
  if (observability) app.use(observeRequests(observability), warnOfUntrustedProxy(observability));
  app.use(addSecurityHeaders, errorBoundary(handleError), limitRequestSize);
  app.route("/", createLivenessRoutes());
  app.route("/", createOpenApiRoutes(customers));
  if (observability) app.route("/", createObservabilityRoutes(observability));
  const routes = createCustomerRoutes(options);
  app.use("/c/:customer/*", resolveCustomer(customers));
  app.route("/c/:customer", routes);
  // Without this route, a missing path below a customer's address would be resolved, and counted, for the default
  // customer.
  app.all("/c/:customer/*", handleNotFound);
  app.use(resolveCustomer(customers));
  app.route("/", routes);
  return app;
}

type HandleNotFound = (context: Context<AppEnv>) => Response;

/**
 * Creates the response to an unknown path. A misspelt script tag is the most frequent cause of a 404, so its response
 * names the existing scripts.
 */
function createNotFoundHandler({ releases }: BuiltFiles): HandleNotFound {
  const others = releases.size > 0 ? `; the releases here are ${[...releases.keys()].join(", ")}` : "";
  return (context) => {
    const { path } = context.req;
    const script = context.get("customer") && readScriptName(path);
    if (!script) return problem(404, `Nothing is at ${path}`);
    return problem(404, `No script ${script} here; the script tag's address ends in /embed.js${others}`);
  };
}

/** Creates the routes below each customer's own address. */
function createCustomerRoutes(options: GatewayOptions): Hono<AppEnv> {
  const { onUnauthorized = () => {}, observability } = options;
  const { streams = createStreamHub({ onDefect: options.onDefect }) } = options;
  const { lists = createSharedLists(eventLoopTurns, systemClock.monotonicMs) } = options;
  const countRejection = observability ? limitRejections(observability) : () => undefined;
  const onWebhook = observability?.metrics.onWebhook ?? (() => {});
  const routeOptions = { streams, lists, onUnauthorized, countRejection, onWebhook };
  const routes = new Hono<AppEnv>();
  // Before `authorize`: a telephony system has a secret of its own in place of a token.
  for (const route of OWN_SECRET_ROUTES) routes.route("/", route.create(routeOptions));
  if (observability?.log.audit) routes.put(AVAILABILITY_PATH, auditChanges(observability.log));
  routes.use("/v1/*", authorize(onUnauthorized, countRejection));
  if (observability) {
    routes.use("/v1/*", limitRequestRate(observability));
    routes.get("/v1/availabilities/stream", limitStreams(observability));
  }
  for (const route of TOKEN_ROUTES) routes.route("/", route.create(routeOptions));
  return routes.route("/", createWidgetRoutes(options)).route("/", createEmbedRoutes(options));
}

/** Creates the routes for load balancers, and for metrics if they are public. */
function createObservabilityRoutes({ readiness, metrics, servesMetrics }: Observability): Hono {
  const routes = createReadinessRoutes(readiness);
  return servesMetrics ? routes.route("/", createMetricsRoutes(metrics)) : routes;
}

/** Resolves the customer in the request's address. The later routes decide how to respond to an unknown customer. */
function resolveCustomer(customers: Customers): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    context.set("customer", customers.find(context.req.param("customer")));
    await next();
  };
}

type HandleError = (thrown: unknown, context: Context<AppEnv>) => Response;

function createErrorHandler(onDefect: GatewayOptions["onDefect"]): HandleError {
  return (thrown, context) => {
    const { signal } = context.req.raw;
    // The client disconnected during the response, or in the middle of its request's body.
    const isDisconnect = (signal.aborted && thrown === signal.reason) || isThrownBy(context.env?.incoming, thrown);
    const { requestId, trace } = context.var;
    const request = requestId && trace ? { requestId, traceId: trace.traceId } : undefined;
    return respondToError(thrown, { onDefect, request, isDisconnect });
  };
}

function isThrownBy(incoming: HttpBindings["incoming"] | undefined, thrown: unknown): boolean {
  return Boolean(incoming?.errored) && incoming?.errored === thrown;
}

/**
 * Catches the errors that hono's `onError` misses: hono passes instances of Error only, but the reason of a disconnect
 * is a string.
 */
function errorBoundary(handleError: HandleError): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    try {
      await next();
    } catch (thrown) {
      context.res = handleError(thrown, context);
    }
  };
}

const addSecurityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  // `context.header` would turn the body into a stream of unknown length.
  const { headers } = context.res;
  for (const [name, value] of Object.entries(securityHeadersFor(context.req.path)))
    if (!headers.has(name)) headers.set(name, value);
};
