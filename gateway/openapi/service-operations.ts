import { CHECKS } from "../operations/lifecycle/readiness.ts";
import { header } from "./header-parameter.ts";
import type { OperationObject, ParameterObject, SchemaObject } from "./openapi-document.ts";
import { HEADERS, json, MALFORMED, problemResponse, responseOf } from "./responses.ts";

/** What the telephony system calls. */
export const takeWebhook: OperationObject = {
  operationId: "takeWebhook",
  summary: "Hears from the telephony system that an agent has changed",
  description: "What it says of the agent is read anew from the telephony system.",
  security: [],
  requestBody: {
    required: true,
    content: json("Webhook", { resource: "user", event: "user.opened.v2", token: "secret", data: { id: 123 } }),
  },
  responses: {
    ...MALFORMED,
    ...problemResponse(401, "The token in the body is not this customer's", {
      "WWW-Authenticate": { description: "The challenge.", required: true, schema: { const: "Webhook-Token" } },
    }),
    204: responseOf("It will be done.", {}),
  },
};

/** A question that load balancers ask, whose good answer is one word. */
export function check(path: string, status: string, parameters: readonly ParameterObject[] = []): OperationObject {
  const example = { status };
  const schema: SchemaObject = { type: "object", properties: { status: { const: status } }, required: ["status"] };
  return {
    operationId: path.slice(1),
    summary: `Says that the gateway is ${status}`,
    security: [],
    parameters,
    responses: {
      ...MALFORMED,
      ...(path === "/readyz" && problemResponse(503, "The gateway is not ready: it is closing", HEADERS.retryAfter)),
      200: responseOf("It is.", HEADERS.uncached, { "application/json": { schema, example } }),
    },
  };
}

/** What a load balancer may have `/readyz` leave out. */
export const EXCLUDE: ParameterObject = {
  name: "exclude",
  in: "query",
  description: "What may be as it is.",
  style: "form",
  explode: true,
  schema: { type: "array", items: { enum: [...CHECKS] } },
  example: ["upstreams"],
};

const DOCUMENT_HEADERS = {
  "Cache-Control": { description: "To be asked for again.", required: true, schema: { const: "no-cache" } },
  ETag: { description: "Stands for the document.", required: true, schema: { type: "string" } },
} as const;

/** The document's own address. */
export const describeItself: OperationObject = {
  operationId: "describe",
  summary: "This document",
  security: [],
  parameters: [
    header("If-None-Match", "Entity tags that the reader holds.", '"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"'),
  ],
  responses: {
    ...MALFORMED,
    200: responseOf("The document.", DOCUMENT_HEADERS, {
      "application/json": { schema: { type: "object", required: ["openapi", "paths"] } },
    }),
    304: responseOf("The reader holds it already.", DOCUMENT_HEADERS),
  },
};
