import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { AvailabilityStore } from "./availability-store.ts";
import type { BuiltFiles } from "./built-files.ts";
import { problem } from "./problem.ts";
import { createAvailabilityRoutes } from "./routes/availability.ts";
import { createEmbedRoutes } from "./routes/embed.ts";
import { createHealthRoutes } from "./routes/health.ts";
import { createWidgetRoutes } from "./routes/widget.ts";

/** What a gateway is made of. */
export interface GatewayOptions {
  /** Exact origins of the pages that may embed the widget. */
  readonly allowedOrigins: readonly string[];
  readonly availabilities: AvailabilityStore;
  /** The built widget and loader script. */
  readonly files: BuiltFiles;
  /** Hears whatever was thrown while a request was answered. The asker gets a 500 that does not tell. */
  readonly onDefect: (error: unknown) => void;
}

/**
 * The gateway as a function from request to response, which any fetch-style server can run.
 *
 * @throws {WidgetDocumentError} where the built document has no place for the widget's settings.
 */
export function createGateway({ allowedOrigins, availabilities, files, onDefect }: GatewayOptions): Hono {
  const answerDefect = createDefectAnswerer(onDefect);
  const app = new Hono();
  app.onError(answerDefect);
  app.notFound((context) => problem(404, `Nothing is at ${context.req.path}`));
  app.use(guardAnswers, answerThrown(answerDefect));
  app.route("/", createHealthRoutes());
  app.route("/", createAvailabilityRoutes(availabilities));
  app.route("/", createWidgetRoutes(files, allowedOrigins));
  app.route("/", createEmbedRoutes(files));
  return app;
}

type AnswerDefect = (thrown: unknown, context: Context) => Response;

function createDefectAnswerer(onDefect: (error: unknown) => void): AnswerDefect {
  return (thrown, context) => {
    const { signal } = context.req.raw;
    const isDisconnect = signal.aborted && thrown === signal.reason;
    if (!isDisconnect) onDefect(thrown);
    return problem(500, "The gateway failed to answer; its log says why");
  };
}

/** Hono's `onError` hears only of Errors; the reason of a disconnect, for one, is a string. */
function answerThrown(answerDefect: AnswerDefect): MiddlewareHandler {
  return async (context, next) => {
    try {
      await next();
    } catch (thrown) {
      context.res = answerDefect(thrown, context);
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
