import { Hono } from "hono";
import type { BuiltFiles } from "../../assets/built-files.ts";
import { createEncodedDocuments } from "../../assets/encoded-documents.ts";
import type { Customers } from "../../customer.ts";
import type { AppEnv } from "../../hono-env.ts";
import { negotiatedResponse } from "../negotiated-response.ts";
import { methodNotAllowed, problem } from "../problem.ts";
import { toEncodedContent } from "./encoded-file.ts";

/** vite puts a hash of the content into a file's name, so the content at one name never changes. */
const ASSET_HEADERS = {
  "Cache-Control": "public, max-age=31536000, immutable",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

/** Parts of the widget's routes. */
interface WidgetRoutesOptions {
  readonly files: BuiltFiles;
  readonly customers: Customers;
  /** Called if a document cannot be compressed. */
  readonly onDefect: (error: unknown) => void;
}

/**
 * Serves the widget's document to pages of the customer's origins, and the files that the document loads.
 *
 * @throws {WidgetDocumentError} if the built document has no place for the widget's settings.
 */
export function createWidgetRoutes({ files, customers, onDefect }: WidgetRoutesOptions): Hono<AppEnv> {
  const getDocument = createEncodedDocuments({ html: files.widgetHtml, onDefect });
  // Prepare one document now: a build without a place for the settings must stop the start.
  for (const customer of customers.all()) {
    getDocument(customer);
    break;
  }
  const onlyGet = methodNotAllowed("GET, HEAD");
  return new Hono<AppEnv>()
    .get("/widget", (context) => {
      context.header("Cross-Origin-Resource-Policy", "cross-origin");
      // Relative, so that the redirect works behind a proxy with a path prefix.
      return context.redirect(`widget/${new URL(context.req.url).search}`, 308);
    })
    .get("/widget/", (context) => {
      const customer = context.get("customer");
      if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
      return negotiatedResponse(context.req.raw, getDocument(customer));
    })
    .get("/widget/assets/*", (context) => {
      const [, path = ""] = context.req.path.split("/widget/", 2);
      const asset = files.widgetAssets.get(path);
      if (!asset) return problem(404, `Nothing is at ${context.req.path}`);
      return negotiatedResponse(context.req.raw, toEncodedContent(asset, ASSET_HEADERS));
    })
    .all("/widget", onlyGet)
    .all("/widget/", onlyGet)
    .all("/widget/assets/*", onlyGet);
}
