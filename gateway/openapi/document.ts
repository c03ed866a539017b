import type { Security } from "../http/routes/api-route.ts";
import { VERSION } from "../version.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import { namedSchemas, toPaths } from "./paths.ts";
import { toSchemas } from "./schemas.ts";

/** Settings of a gateway that change the document. */
export interface DocumentOptions {
  /** True if a customer allows reads without a token. */
  readonly anonymousReads: boolean;
}

const BEARER: Security = [{ bearer: [] }];

/** Creates the OpenAPI 3.1 document, with the schemas that the gateway validates by. */
export function createDocument({ anonymousReads }: DocumentOptions): OpenApiDocument {
  return {
    openapi: "3.1.0",
    info: {
      title: "Availability gateway",
      version: VERSION,
      description:
        "Agents' availabilities for the widget and for a customer's own programs. HEAD has the response of GET without the body. Other methods get 405, with `Allow`.",
    },
    servers: [
      { url: "./", description: "The default customer" },
      {
        url: "./c/{customer}",
        description: "A customer by id",
        variables: { customer: { default: "acme", description: "The customer's id, set by the operator" } },
      },
    ],
    paths: toPaths({ reading: anonymousReads ? [...BEARER, {}] : BEARER, writing: BEARER }),
    components: {
      schemas: toSchemas(namedSchemas()),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "Signed by the customer: docs/tokens.md.",
        },
      },
    },
  };
}
