import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { parseAccept } from "hono/utils/accept";

/** What is shorter costs more to compress than it saves, in bytes. */
const MIN_BYTES = 1024;

const toGzip = promisify(gzip);

/** A body as a reader with this `Accept-Encoding` gets it, and the headers that go with it. */
export async function compressFor(
  acceptEncoding: string | undefined,
  body: Uint8Array<ArrayBuffer>,
): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly headers: Readonly<Record<string, string>> }> {
  const headers = { Vary: "Accept-Encoding" };
  if (body.length < MIN_BYTES || !takesGzip(acceptEncoding)) return { body, headers };
  return { body: await toGzip(body), headers: { ...headers, "Content-Encoding": "gzip" } };
}

/** What is named counts for more than what `*` stands for: RFC 9110 §12.5.3. */
function takesGzip(acceptEncoding: string | undefined): boolean {
  const accepted = parseAccept(acceptEncoding ?? "");
  const gzips = accepted.find(({ type }) => type.toLowerCase() === "gzip") ?? accepted.find(({ type }) => type === "*");
  return (gzips?.q ?? 0) > 0;
}
