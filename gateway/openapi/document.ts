import { VERSION } from "../version.ts";
import type { Security } from "./availability-operations.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import { toPaths } from "./paths.ts";
import { toSchemas } from "./schemas.ts";

/** The facts about a gateway that its document depends on. */
export interface DocumentOptions {
  /** Whether there is a customer whose availabilities are read without a token. */
  readonly anonymousReads: boolean;
}

const BEARER: Security = [{ bearer: [] }];

/** The gateway's calls as OpenAPI 3.1, with the schemas that the gateway itself checks with. */
export function createDocument({ anonymousReads }: DocumentOptions): OpenApiDocument {
  return {
    openapi: "3.1.0",
    info: {
      title: "Availability gateway",
      version: VERSION,
      description:
        "Agents' availabilities for the widget and for a customer's own programs. What is asked by HEAD is answered as by GET, without the body. Any other method than a path's own is answered 405, with `Allow`.",
    },
    servers: [
      { url: "./", description: "The default customer" },
      {
        url: "./c/{customer}",
        description: "A customer by id",
        variables: { customer: { default: "acme", description: "The id that the operator has given the customer" } },
      },
    ],
    paths: toPaths(anonymousReads ? [...BEARER, {}] : BEARER, BEARER),
    components: {
      schemas: toSchemas(),
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
