import { Hono } from "hono";
import type { BuiltFile, BuiltFiles } from "../../assets/built-files.ts";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import { negotiatedResponse } from "../negotiated-response.ts";
import { methodNotAllowed, problem } from "../problem.ts";
import { SCRIPT_HEADERS } from "../security-headers.ts";
import { toEncodedContent } from "./encoded-file.ts";

/**
 * Time after its `max-age` for which a browser still runs `embed.js` at once while it asks for a newer one for the next page,
 * in seconds.
 */
const STALE_WHILE_REVALIDATE_SECONDS = 3600;

/** Default of `SCRIPT_MAX_AGE_SECONDS`. */
const DEFAULT_MAX_AGE_SECONDS = 300;

/** The content of a release's script, and of the files that it loads, never changes. */
const RELEASE_HEADERS = { ...SCRIPT_HEADERS, "Cache-Control": "public, max-age=31536000, immutable" };

/** Parts of the scripts' routes. */
interface EmbedRoutesOptions {
  readonly files: BuiltFiles;
  /** Time for which browsers use `embed.js` without asking for a newer one, in seconds. @default 300 */
  readonly scriptMaxAgeSeconds?: number;
}

/**
 * Serves the loader script to any page. The script is public: the widget's document decides which pages may embed it.
 */
export function createEmbedRoutes(options: EmbedRoutesOptions): Hono<AppEnv> {
  const { files, scriptMaxAgeSeconds = DEFAULT_MAX_AGE_SECONDS } = options;
  const { embed, releases, releaseParts } = files;
  const embedHeaders = { ...SCRIPT_HEADERS, "Cache-Control": describeCaching(scriptMaxAgeSeconds) };
  const routes = new Hono<AppEnv>()
    .get("/embed.js", (context) => respondWithFile(context, embed, embedHeaders))
    .all("/embed.js", methodNotAllowed("GET, HEAD"));
  for (const [name, file] of [...releases, ...releaseParts]) {
    routes
      .get(`/${name}`, (context) => respondWithFile(context, file, RELEASE_HEADERS))
      .all(`/${name}`, methodNotAllowed("GET, HEAD"));
  }
  return routes;
}

/**
 * Describes for how long `embed.js` may be cached. Its address in customers' pages never changes, so that it can be cached only
 * for a short time.
 */
function describeCaching(maxAgeSeconds: number): string {
  if (maxAgeSeconds === 0) return "public, max-age=0, must-revalidate";
  return `public, max-age=${maxAgeSeconds}, stale-while-revalidate=${STALE_WHILE_REVALIDATE_SECONDS}`;
}

/** Responds with 404 for an unknown customer, so that a mistyped address shows at the script tag. */
function respondWithFile(context: AppContext, file: BuiltFile, headers: Readonly<Record<string, string>>): Response {
  if (!context.get("customer")) return problem(404, `Nothing is at ${context.req.path}`);
  return negotiatedResponse(context.req.raw, toEncodedContent(file, headers));
}
