import type { ParameterObject } from "./openapi-document.ts";

/** A header that a request may bring. */
export function header(name: string, description: string, example: string): ParameterObject {
  return { name, in: "header", description, schema: { type: "string" }, example };
}
