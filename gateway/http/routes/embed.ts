import { Hono } from "hono";
import type { BuiltFile, BuiltFiles } from "../../assets/built-files.ts";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import { conditionalResponse } from "../conditional-response.ts";
import { methodNotAllowed, problem } from "../problem.ts";
import { SCRIPT_HEADERS } from "../security-headers.ts";

const EMBED_HEADERS = {
  ...SCRIPT_HEADERS,
  // The address in customers' pages never changes, so each page view revalidates the script: the response has no body as a
  // rule, and a corrected script reaches every customer at once.
  "Cache-Control": "public, max-age=0, must-revalidate",
};

/** The content of a release's script never changes. */
const RELEASE_HEADERS = { ...SCRIPT_HEADERS, "Cache-Control": "public, max-age=31536000, immutable" };

/**
 * Serves the loader script to any page. The script is public: the widget's document decides which pages may embed it.
 */
export function createEmbedRoutes({ embed, releases }: BuiltFiles): Hono<AppEnv> {
  const routes = new Hono<AppEnv>()
    .get("/embed.js", (context) => respondWithFile(context, embed, EMBED_HEADERS))
    .all("/embed.js", methodNotAllowed("GET, HEAD"));
  for (const [name, release] of releases) {
    routes
      .get(`/${name}`, (context) => respondWithFile(context, release, RELEASE_HEADERS))
      .all(`/${name}`, methodNotAllowed("GET, HEAD"));
  }
  return routes;
}

/** Responds with 404 for an unknown customer, so that a mistyped address shows at the script tag. */
function respondWithFile(context: AppContext, file: BuiltFile, headers: Readonly<Record<string, string>>): Response {
  if (!context.get("customer")) return problem(404, `Nothing is at ${context.req.path}`);
  return conditionalResponse(context.req.raw, { ...file, headers });
}
