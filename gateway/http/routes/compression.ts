import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { parseAccept } from "hono/utils/accept";

/** Minimum size in bytes. Compressing a shorter body costs more than it saves. */
const MIN_BYTES = 1024;

const toGzip = promisify(gzip);

/** Compresses a body if `Accept-Encoding` allows gzip, and returns the body with its headers. */
export async function compressFor(
  acceptEncoding: string | undefined,
  body: Uint8Array<ArrayBuffer>,
): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly headers: Readonly<Record<string, string>> }> {
  const headers = { Vary: "Accept-Encoding" };
  if (body.length < MIN_BYTES || !acceptsGzip(acceptEncoding)) return { body, headers };
  return { body: await toGzip(body), headers: { ...headers, "Content-Encoding": "gzip" } };
}

/** A named coding takes precedence over `*`: RFC 9110 §12.5.3. */
function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const accepted = parseAccept(acceptEncoding ?? "");
  const gzips = accepted.find(({ type }) => type.toLowerCase() === "gzip") ?? accepted.find(({ type }) => type === "*");
  return (gzips?.q ?? 0) > 0;
}
