import { Hono } from "hono";
import type { BuiltFiles } from "../built-files.ts";
import { answerWith } from "../conditional.ts";
import { methodNotAllowed, problem } from "../problem.ts";
import { prepareWidgetDocument } from "../widget-document.ts";

/** What vite hashes into the name of a file changes with its content, so a name stands for one content for ever. */
const ASSET_HEADERS = {
  "Cache-Control": "public, max-age=31536000, immutable",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

/** Serves the widget's document, to be embedded by pages of the allowed origins, and the files that it loads. */
export function createWidgetRoutes(files: BuiltFiles, allowedOrigins: readonly string[]): Hono {
  const widgetDocument = prepareWidgetDocument(files.widgetHtml, allowedOrigins);
  const refuseMethod = methodNotAllowed("GET, HEAD");
  return new Hono()
    .get("/widget", (context) => {
      context.header("Cross-Origin-Resource-Policy", "cross-origin");
      // Relative, so that it holds where a proxy serves the gateway below a path of its own.
      return context.redirect(`widget/${new URL(context.req.url).search}`, 308);
    })
    .get("/widget/", (context) => answerWith(context.req.raw, widgetDocument))
    .get("/widget/assets/*", (context) => {
      const asset = files.widgetAssets.get(context.req.path.slice("/widget/".length));
      if (!asset) return problem(404, `Nothing is at ${context.req.path}`);
      return answerWith(context.req.raw, { ...asset, headers: ASSET_HEADERS });
    })
    .all("/widget", refuseMethod)
    .all("/widget/", refuseMethod)
    .all("/widget/assets/*", refuseMethod);
}
