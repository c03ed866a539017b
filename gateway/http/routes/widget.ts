import { Hono } from "hono";
import type { BuiltFiles } from "../../assets/built-files.ts";
import { prepareWidgetDocument } from "../../assets/widget-document.ts";
import type { Customer, Customers } from "../../customer.ts";
import type { AppEnv } from "../../hono-env.ts";
import { conditionalResponse, type Representation } from "../conditional-response.ts";
import { methodNotAllowed, problem } from "../problem.ts";

/** vite puts a hash of the content into a file's name, so the content at one name never changes. */
const ASSET_HEADERS = {
  "Cache-Control": "public, max-age=31536000, immutable",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

/**
 * Serves the widget's document to pages of the customer's origins, and the files that the document loads.
 *
 * @throws {WidgetDocumentError} if the built document has no place for the widget's settings.
 */
export function createWidgetRoutes(files: BuiltFiles, customers: Customers): Hono<AppEnv> {
  const documents = new Map<Customer, Representation>();
  const getDocument = (customer: Customer): Representation => {
    const document = documents.get(customer) ?? prepareWidgetDocument(files.widgetHtml, customer.allowedOrigins);
    documents.set(customer, document);
    return document;
  };
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
      return conditionalResponse(context.req.raw, getDocument(customer));
    })
    .get("/widget/assets/*", (context) => {
      const [, path = ""] = context.req.path.split("/widget/", 2);
      const asset = files.widgetAssets.get(path);
      if (!asset) return problem(404, `Nothing is at ${context.req.path}`);
      return conditionalResponse(context.req.raw, { ...asset, headers: ASSET_HEADERS });
    })
    .all("/widget", onlyGet)
    .all("/widget/", onlyGet)
    .all("/widget/assets/*", onlyGet);
}
