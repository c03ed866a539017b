import type { BuiltFile } from "../../assets/built-files.ts";
import type { EncodedContent } from "../negotiated-response.ts";

/** Describes a file of the build for a response. `headers` are those of every response, 304 included. */
export function toEncodedContent(
  { body, compressed, contentType, etag }: BuiltFile,
  headers: Readonly<Record<string, string>>,
): EncodedContent {
  return {
    contentType,
    etag,
    headers,
    bodyIn: (encoding) => (encoding === "identity" ? body : compressed[encoding]),
  };
}
