import { parseAccept } from "hono/utils/accept";
import type { Compression } from "../assets/compression.ts";

/** An encoding in which the gateway may send content. `identity` is the content as it is. */
export type ContentEncoding = Compression | "identity";

/** The encodings, the smallest first, with further names by which a client may know them (RFC 9110 §8.4.1.3). */
const ENCODINGS = [
  { encoding: "br", names: ["br"] },
  { encoding: "gzip", names: ["gzip", "x-gzip"] },
  { encoding: "identity", names: ["identity"] },
] as const satisfies readonly { encoding: ContentEncoding; names: readonly string[] }[];

/** Weight of `identity` for a client that does not name it: less than any weight that the client can write. */
const UNNAMED_IDENTITY = 1e-4;

/**
 * Lists the encodings that a client accepts by its `Accept-Encoding` (RFC 9110 §12.5.3): the one with the greatest weight
 * first and, of equal weights, the smallest. A client without the header gets the content as it is. Empty if the client
 * accepts none, as by `identity;q=0`.
 */
export function rankEncodings(acceptEncoding: string | null): readonly ContentEncoding[] {
  if (acceptEncoding === null) return ["identity"];
  const accepted = parseAccept(acceptEncoding);
  const weightOf = (names: readonly string[]) => accepted.find(({ type }) => names.includes(type.toLowerCase()))?.q;
  // A named encoding takes precedence over `*`.
  const others = weightOf(["*"]);
  return ENCODINGS.map(({ encoding, names }) => ({
    encoding,
    weight: weightOf(names) ?? others ?? (encoding === "identity" ? UNNAMED_IDENTITY : 0),
  }))
    .filter(({ weight }) => weight > 0)
    .sort((first, second) => second.weight - first.weight)
    .map(({ encoding }) => encoding);
}
