import { Hono } from "hono";
import type { BuiltFile, BuiltFiles } from "../../assets/built-files.ts";
import type { GatewayContext, GatewayEnvironment } from "../../environment.ts";
import { answerWith } from "../conditional.ts";
import { methodNotAllowed, problem } from "../problem.ts";

const PUBLIC_HEADERS = {
  // A script tag with `integrity` reads the script under CORS, and a page with COEP needs the other one.
  "Access-Control-Allow-Origin": "*",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

const EMBED_HEADERS = {
  ...PUBLIC_HEADERS,
  // The address that customers paste never changes, so every page view asks whether the script has: an answer without
  // a body as a rule, and a corrected script reaches every customer at once.
  "Cache-Control": "public, max-age=0, must-revalidate",
};

/** A release's name stands for one content for ever. */
const RELEASE_HEADERS = { ...PUBLIC_HEADERS, "Cache-Control": "public, max-age=31536000, immutable" };

/** Serves the loader script to any page. It is public: what it loads decides who may embed the widget. */
export function createEmbedRoutes({ embed, releases }: BuiltFiles): Hono<GatewayEnvironment> {
  const routes = new Hono<GatewayEnvironment>()
    .get("/embed.js", (context) => answer(context, embed, EMBED_HEADERS))
    .all("/embed.js", methodNotAllowed("GET, HEAD"));
  for (const [name, release] of releases) {
    routes
      .get(`/${name}`, (context) => answer(context, release, RELEASE_HEADERS))
      .all(`/${name}`, methodNotAllowed("GET, HEAD"));
  }
  return routes;
}

/** A customer that does not exist has no script either, so that a mistyped address is seen at the script tag. */
function answer(context: GatewayContext, file: BuiltFile, headers: Readonly<Record<string, string>>): Response {
  if (!context.get("customer")) return problem(404, `Nothing is at ${context.req.path}`);
  return answerWith(context.req.raw, { ...file, headers });
}
