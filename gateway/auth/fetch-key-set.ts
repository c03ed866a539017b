import type { FetchImplementation } from "jose";
import { withoutEd25519Names } from "./key-set-content.ts";

/** Maximum size of a key set: far larger than real sets, and harmless to a gateway with many customers. */
const MAX_KEY_SET_BYTES = 256 * 1024;

/** Fetches a key set of a limited size. @throws {Error} for another status than 200. */
export async function fetchKeySet(
  send: typeof fetch,
  ...[url, options]: Parameters<FetchImplementation>
): Promise<Response> {
  const response = await send(url, options);
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    // Throwing leaves the loop, which closes the connection.
    if (bytes > MAX_KEY_SET_BYTES) throw new Error(`more than ${MAX_KEY_SET_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Response(withoutEd25519Names(Buffer.concat(chunks).toString("utf8")));
}
