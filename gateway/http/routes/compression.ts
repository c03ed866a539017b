import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { parseAccept } from "hono/utils/accept";

/** Minimum size in bytes. Compressing a shorter body costs more than it saves. */
export const MIN_BYTES = 1024;

/** Compresses a body for which `isCompressible` is true. */
export const compress: (body: Uint8Array<ArrayBuffer> | string) => Promise<Buffer<ArrayBuffer>> = promisify(gzip);

/** Compresses a body if `Accept-Encoding` allows gzip, and returns the body with its headers. */
export async function compressFor(
  acceptEncoding: string | undefined,
  body: Uint8Array<ArrayBuffer>,
): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly headers: Readonly<Record<string, string>> }> {
  const headers = { Vary: "Accept-Encoding" };
  if (!isCompressible(acceptEncoding, body.length)) return { body, headers };
  return { body: await compress(body), headers: { ...headers, "Content-Encoding": "gzip" } };
}

/** True if `Accept-Encoding` allows gzip, and a body of this many bytes is long enough. */
export function isCompressible(acceptEncoding: string | undefined, byteLength: number): boolean {
  return byteLength >= MIN_BYTES && acceptsGzip(acceptEncoding);
}

/** True if `Accept-Encoding` allows gzip. A named coding takes precedence over `*`: RFC 9110 §12.5.3. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  const accepted = parseAccept(acceptEncoding);
  const gzips = accepted.find(({ type }) => type.toLowerCase() === "gzip") ?? accepted.find(({ type }) => type === "*");
  return (gzips?.q ?? 0) > 0;
}
