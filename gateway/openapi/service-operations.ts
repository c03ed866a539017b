import { CHECKS, type Check, DEFAULT_CHECKS } from "../operations/lifecycle/readiness.ts";
import type { OperationObject, ParameterObject, SchemaObject } from "./openapi-document.ts";
import { header } from "./parameters.ts";
import { HEADERS, MALFORMED, problemResponse, responseOf } from "./responses.ts";

/** Creates a check for load balancers. The success response is a word. */
export function check(path: string, status: string, parameters: readonly ParameterObject[] = []): OperationObject {
  const example = { status };
  const schema: SchemaObject = { type: "object", properties: { status: { const: status } }, required: ["status"] };
  return {
    operationId: path.slice(1),
    summary: `Checks that the gateway is ${status}`,
    security: [],
    parameters,
    responses: {
      ...MALFORMED,
      ...(path === "/readyz" && problemResponse(503, "The gateway is not ready: it is closing", HEADERS.retryAfter)),
      200: responseOf("The check succeeded.", HEADERS.uncached, { "application/json": { schema, example } }),
    },
  };
}

/** Parameters of `/readyz`: checks to add, and checks to skip. */
export const READINESS_CHECKS: readonly ParameterObject[] = [
  checksParameter("include", `Checks to add to the default, ${DEFAULT_CHECKS.join(" and ")}.`, "upstreams"),
  checksParameter("exclude", "Checks to skip.", "store"),
];

function checksParameter(name: string, description: string, example: Check): ParameterObject {
  return {
    name,
    in: "query",
    description,
    style: "form",
    explode: true,
    schema: { type: "array", items: { enum: [...CHECKS] } },
    example: [example],
  };
}

const DOCUMENT_HEADERS = {
  "Cache-Control": { description: "Caches must revalidate.", required: true, schema: { const: "no-cache" } },
  ETag: { description: "Entity tag of the document.", required: true, schema: { type: "string" } },
} as const;

/** Operation to read the document. */
export const readDocument: OperationObject = {
  operationId: "describe",
  summary: "This document",
  security: [],
  parameters: [
    header("If-None-Match", "Entity tags that the client has cached.", '"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"'),
  ],
  responses: {
    ...MALFORMED,
    200: responseOf("The document.", DOCUMENT_HEADERS, {
      "application/json": { schema: { type: "object", required: ["openapi", "paths"] } },
    }),
    304: responseOf("The client has cached this document.", DOCUMENT_HEADERS),
  },
};
