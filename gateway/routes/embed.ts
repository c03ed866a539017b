import { Hono } from "hono";
import type { BuiltFile } from "../built-files.ts";
import { answerWith } from "../conditional.ts";
import { methodNotAllowed } from "../problem.ts";

const EMBED_HEADERS = {
  // The address that customers paste never changes, so every page view asks whether the script has: an answer without
  // a body as a rule, and a corrected script reaches every customer at once.
  "Cache-Control": "public, max-age=0, must-revalidate",
  // A script tag with `integrity` reads the script under CORS, and a page with COEP needs the other one.
  "Access-Control-Allow-Origin": "*",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

/** Serves the loader script to any page. It is public: what it loads decides who may embed the widget. */
export function createEmbedRoutes(embed: BuiltFile): Hono {
  return new Hono()
    .get("/embed.js", (context) => answerWith(context.req.raw, { ...embed, headers: EMBED_HEADERS }))
    .all("/embed.js", methodNotAllowed("GET, HEAD"));
}
