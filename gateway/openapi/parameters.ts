import type { ParameterObject } from "./openapi-document.ts";
import { schemaOf } from "./schemas.ts";

/** Creates a parameter for an optional header of a request. */
export function header(name: string, description: string, example: string): ParameterObject {
  return { name, in: "header", description, schema: { type: "string" }, example };
}

/** Path parameter `{userId}`. */
export const USER_ID_PARAMETER: ParameterObject = {
  name: "userId",
  in: "path",
  description: "The agent.",
  required: true,
  schema: schemaOf("UserId"),
  example: 123,
};

/** Creates the parameter that names at most `maxItems` agents. */
export function userIdsParameter(description: string, maxItems: number): ParameterObject {
  return {
    name: "userIds",
    in: "query",
    description,
    style: "form",
    explode: false,
    schema: { type: "array", items: schemaOf("UserId"), minItems: 1, maxItems },
    example: [101, 123],
  };
}

/** Headers of every call below `/v1` that needs a token. */
export const TRACING: readonly ParameterObject[] = [
  header("traceparent", "W3C trace context.", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
  header("tracestate", "State of that trace, by other services.", "congo=t61rcWkgMzE"),
  header("X-Request-Id", "Id of the request for the gateway's log.", "crm-4711"),
];
