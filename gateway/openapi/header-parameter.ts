import type { ParameterObject } from "./openapi-document.ts";

/** Creates a parameter for an optional header of a request. */
export function header(name: string, description: string, example: string): ParameterObject {
  return { name, in: "header", description, schema: { type: "string" }, example };
}
