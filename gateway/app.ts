import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { BuiltFiles } from "./built-files.ts";
import type { Customers } from "./customer.ts";
import type { GatewayEnvironment } from "./environment.ts";
import { toProblem } from "./failure.ts";
import { problem } from "./problem.ts";
import { createAvailabilitiesRoutes } from "./routes/availabilities.ts";
import { createAvailabilityRoutes } from "./routes/availability.ts";
import { createEmbedRoutes } from "./routes/embed.ts";
import { createHealthRoutes } from "./routes/health.ts";
import { createStreamRoutes } from "./routes/stream.ts";
import { createWidgetRoutes } from "./routes/widget.ts";
import { createStreamHub, type StreamHub } from "./stream/stream-hub.ts";
import { authorize, type RefusedCall } from "./tokens/authorize.ts";
import { demandOwnUser } from "./tokens/demand-own-user.ts";

/** What a gateway is made of. */
export interface GatewayOptions {
  readonly customers: Customers;
  /** The built widget and loader script. */
  readonly files: BuiltFiles;
  /** Hears whatever was thrown while a request was answered. The asker gets a 500 that does not tell. */
  readonly onDefect: (error: unknown) => void;
  /** Hears of each call that was not let through for its token. The asker is not told why. @default nobody */
  readonly onRefusal?: (call: RefusedCall) => void;
  /** The open streams, for whoever has to end them. @default streams of its own, which end with their connections */
  readonly streams?: StreamHub;
}

/**
 * The gateway as a function from request to response, which any fetch-style server can run.
 *
 * @throws {WidgetDocumentError} where the built document has no place for the widget's settings.
 */
export function createGateway(options: GatewayOptions): Hono<GatewayEnvironment> {
  const { customers, onDefect } = options;
  const answerThrown = createThrownAnswerer(onDefect);
  const app = new Hono<GatewayEnvironment>();
  app.onError(answerThrown);
  app.notFound((context) => problem(404, `Nothing is at ${context.req.path}`));
  app.use(guardAnswers, catchThrown(answerThrown));
  app.route("/", createHealthRoutes());
  const routes = createCustomerRoutes(options);
  app.use("/c/:customer/*", findCustomer(customers));
  app.route("/c/:customer", routes);
  app.use(findCustomer(customers));
  app.route("/", routes);
  return app;
}

/** What each customer has at an address of its own. */
function createCustomerRoutes(options: GatewayOptions): Hono<GatewayEnvironment> {
  const { customers, files, onRefusal = () => {}, streams = createStreamHub() } = options;
  return new Hono<GatewayEnvironment>()
    .use("/v1/*", authorize(onRefusal))
    .put("/v1/users/:userId/availability", demandOwnUser)
    .route("/", createStreamRoutes(streams))
    .route("/", createAvailabilitiesRoutes())
    .route("/", createAvailabilityRoutes())
    .route("/", createWidgetRoutes(files, customers))
    .route("/", createEmbedRoutes(files));
}

/** Looks up whose address was asked. What follows decides what to say where there is no such customer. */
function findCustomer(customers: Customers): MiddlewareHandler<GatewayEnvironment> {
  return async (context, next) => {
    context.set("customer", customers.find(context.req.param("customer")));
    await next();
  };
}

type AnswerThrown = (thrown: unknown, context: Context) => Response;

function createThrownAnswerer(onDefect: (error: unknown) => void): AnswerThrown {
  return (thrown, context) => {
    const { signal } = context.req.raw;
    const told = toProblem(thrown);
    if (told) return told;
    const isDisconnect = signal.aborted && thrown === signal.reason;
    if (!isDisconnect) onDefect(thrown);
    return problem(500, "The gateway failed to answer; its log says why");
  };
}

/** Hono's `onError` hears only of Errors; the reason of a disconnect, for one, is a string. */
function catchThrown(answerThrown: AnswerThrown): MiddlewareHandler {
  return async (context, next) => {
    try {
      await next();
    } catch (thrown) {
      context.res = answerThrown(thrown, context);
    }
  };
}

/** Tells browsers to guess no content types, and to let no other site load what does not say that it may. */
const guardAnswers: MiddlewareHandler = async (context, next) => {
  await next();
  // Not by `context.header`, which at this point turns the body into a stream of unknown length.
  const { headers } = context.res;
  headers.set("X-Content-Type-Options", "nosniff");
  if (!headers.has("Cross-Origin-Resource-Policy")) headers.set("Cross-Origin-Resource-Policy", "same-origin");
};
