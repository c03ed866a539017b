import { Hono } from "hono";
import { hashTag } from "../../assets/content-hash.ts";
import type { Customers } from "../../customer.ts";
import { createDocument } from "../../openapi/document.ts";
import { conditionalResponse } from "../conditional-response.ts";
import { methodNotAllowed } from "../problem.ts";

/** Serves the description of the gateway's API. The document is public, because it contains no customer. */
export function createOpenApiRoutes(customers: Customers): Hono {
  const anonymousReads = [...customers.all()].some(({ access }) => access.anonymousReads);
  const body = JSON.stringify(createDocument({ anonymousReads }));
  const document = {
    body,
    contentType: "application/json",
    etag: hashTag(body),
    headers: { "Cache-Control": "no-cache" },
  };
  return new Hono()
    .get("/openapi.json", (context) => conditionalResponse(context.req.raw, document))
    .all("/openapi.json", methodNotAllowed("GET, HEAD"));
}
