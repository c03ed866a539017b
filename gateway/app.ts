import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { RegExpRouter } from "hono/router/reg-exp-router";
import type { BuiltFiles } from "./assets/built-files.ts";
import { authorize, type OnUnauthorized } from "./auth/authorize.ts";
import { requireOwnUser } from "./auth/require-own-user.ts";
import type { Customers } from "./customer.ts";
import type { AppEnv } from "./hono-env.ts";
import { toErrorResponse } from "./http/error-response.ts";
import { problem } from "./http/problem.ts";
import { createAvailabilitiesRoutes } from "./http/routes/availabilities.ts";
import { createAvailabilityRoutes } from "./http/routes/availability.ts";
import { createEmbedRoutes } from "./http/routes/embed.ts";
import { createOpenApiRoutes } from "./http/routes/openapi.ts";
import { createStreamRoutes } from "./http/routes/stream.ts";
import { createWebhookRoutes } from "./http/routes/webhook.ts";
import { createWidgetRoutes } from "./http/routes/widget.ts";
import { guardHeadersFor, readScriptName } from "./http/security-headers.ts";
import { createLivenessRoutes, createMetricsRoutes, createReadinessRoutes } from "./operations/lifecycle/health.ts";
import { limitRequestRate, limitRequestSize, limitStreams } from "./operations/limits/limit-requests.ts";
import type { RequestIdentity } from "./operations/logging/log.ts";
import { observeRequests } from "./operations/metrics/observe-requests.ts";
import type { Observability } from "./operations/observability.ts";
import { createStreamHub, type StreamHub } from "./stream/stream-hub.ts";

/** Parts of a gateway. */
export interface GatewayOptions {
  readonly customers: Customers;
  /** The built widget and loader script. */
  readonly files: BuiltFiles;
  /** Called with each unexpected error while a request is handled. The client gets a 500 without the reason. */
  readonly onDefect: (error: unknown, request?: RequestIdentity) => void;
  /** Called for each request that was rejected for its token or for the lack of one. The client does not get the reason. @default none */
  readonly onUnauthorized?: OnUnauthorized;
  /** The open streams, for the caller that has to end them. @default streams of its own, which end with their connections */
  readonly streams?: StreamHub;
  /** Log, metrics and limits of the requests. @default none: no request is logged, measured or limited, and there is no `/readyz` */
  readonly operation?: Observability;
}

/**
 * Creates the gateway as a function from request to response, which any fetch-style server can run.
 *
 * @throws {WidgetDocumentError} if the built document has no place for the widget's settings.
 */
export function createGateway(options: GatewayOptions): Hono<AppEnv> {
  const { customers, onDefect, operation } = options;
  const answerThrown = createThrownAnswerer(onDefect);
  const app = new Hono<AppEnv>({ router: new RegExpRouter() });
  app.onError(answerThrown);
  const answerNotFound = createNotFoundAnswerer(options.files);
  app.notFound(answerNotFound);
  if (operation) app.use(observeRequests(operation));
  app.use(guardAnswers, catchThrown(answerThrown), limitRequestSize);
  app.route("/", createLivenessRoutes());
  app.route("/", createOpenApiRoutes(customers));
  if (operation) app.route("/", createOperationRoutes(operation));
  const routes = createCustomerRoutes(options);
  app.use("/c/:customer/*", findCustomer(customers));
  app.route("/c/:customer", routes);
  // Without it, a missing path below one customer's address would be looked up, and counted, at the default customer's.
  app.all("/c/:customer/*", answerNotFound);
  app.use(findCustomer(customers));
  app.route("/", routes);
  return app;
}

type AnswerNotFound = (context: Context<AppEnv>) => Response;

/** A misspelt script tag is the most frequent cause of a 404, so the answer to one names the scripts that there are. */
function createNotFoundAnswerer({ releases }: BuiltFiles): AnswerNotFound {
  const others = releases.size > 0 ? `; the releases here are ${[...releases.keys()].join(", ")}` : "";
  return (context) => {
    const { path } = context.req;
    const script = context.get("customer") && readScriptName(path);
    if (!script) return problem(404, `Nothing is at ${path}`);
    return problem(404, `No script ${script} here; the script tag's address ends in /embed.js${others}`);
  };
}

/** Creates the routes that each customer has below its own address. */
function createCustomerRoutes(options: GatewayOptions): Hono<AppEnv> {
  const { customers, files, onUnauthorized = () => {}, operation } = options;
  const { streams = createStreamHub({ onDefect: options.onDefect }) } = options;
  const routes = new Hono<AppEnv>();
  // Before `authorize`: a telephony system has a secret of its own in place of a token.
  routes.route("/", createWebhookRoutes());
  routes.use("/v1/*", authorize(onUnauthorized));
  if (operation) {
    routes.use("/v1/*", limitRequestRate(operation));
    routes.get("/v1/availabilities/stream", limitStreams(operation));
  }
  return routes
    .put("/v1/users/:userId/availability", requireOwnUser(onUnauthorized))
    .route("/", createStreamRoutes(streams))
    .route("/", createAvailabilitiesRoutes())
    .route("/", createAvailabilityRoutes())
    .route("/", createWidgetRoutes(files, customers))
    .route("/", createEmbedRoutes(files));
}

/** Creates the routes for load balancers, and for metrics if they are public. */
function createOperationRoutes({ readiness, metrics, servesMetrics }: Observability): Hono {
  const routes = createReadinessRoutes(readiness);
  return servesMetrics ? routes.route("/", createMetricsRoutes(metrics)) : routes;
}

/** Looks up the customer in the request's address. The routes behind decide how to respond if it does not exist. */
function findCustomer(customers: Customers): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    context.set("customer", customers.find(context.req.param("customer")));
    await next();
  };
}

type AnswerThrown = (thrown: unknown, context: Context<AppEnv>) => Response;

function createThrownAnswerer(onDefect: GatewayOptions["onDefect"]): AnswerThrown {
  return (thrown, context) => {
    const { signal } = context.req.raw;
    const told = toErrorResponse(thrown);
    if (told) return told;
    // The client disconnected during the response, or in the middle of its request's body.
    const isDisconnect = (signal.aborted && thrown === signal.reason) || isThrownBy(context.env?.incoming, thrown);
    const { requestId, trace } = context.var;
    if (!isDisconnect) onDefect(thrown, requestId && trace ? { requestId, traceId: trace.traceId } : undefined);
    return problem(500, "The gateway failed to answer; its log says why");
  };
}

function isThrownBy(incoming: HttpBindings["incoming"] | undefined, thrown: unknown): boolean {
  return Boolean(incoming?.errored) && incoming?.errored === thrown;
}

/** Catches what hono's `onError` does not: it gets Errors alone, and the reason of a disconnect is a string. */
function catchThrown(answerThrown: AnswerThrown): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    try {
      await next();
    } catch (thrown) {
      context.res = answerThrown(thrown, context);
    }
  };
}

const guardAnswers: MiddlewareHandler = async (context, next) => {
  await next();
  // `context.header` would at this point turn the body into a stream of unknown length.
  const { headers } = context.res;
  for (const [name, value] of Object.entries(guardHeadersFor(context.req.path)))
    if (!headers.has(name)) headers.set(name, value);
};
