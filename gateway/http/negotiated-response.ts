import { matchesEtag, type Representation } from "./conditional-response.ts";
import { type ContentEncoding, rankEncodings } from "./content-encoding.ts";
import { problem } from "./problem.ts";

/** Content that the gateway has in several encodings. */
export interface EncodedContent extends Omit<Representation, "body"> {
  /** Returns the content in an encoding; `undefined` if the gateway does not have it so. It always has `identity`. */
  readonly bodyIn: (encoding: ContentEncoding) => Uint8Array<ArrayBuffer> | undefined;
}

/** End of the entity tag of an encoding. Not `-gzip`, which some proxies append and cut off for encodings of their own. */
const TAG_SUFFIXES: Readonly<Record<ContentEncoding, string>> = { br: ".br", gzip: ".gz", identity: "" };

/**
 * Responds with the content in the encoding that the client prefers, or with 304 and no body if `If-None-Match` names the
 * content's tag in any encoding that the client accepts: the client may have got it before the gateway had the smaller
 * encoding, or from another gateway. Responds with 406 to a client that accepts no encoding at all.
 */
export function negotiatedResponse(request: Request, content: EncodedContent): Response {
  const { contentType, headers: ownHeaders, bodyIn } = content;
  const accepted = rankEncodings(request.headers.get("Accept-Encoding"));
  const headersFor = (encoding: ContentEncoding) => ({
    ...ownHeaders,
    ETag: content.etag.replace(/"$/, `${TAG_SUFFIXES[encoding]}"`),
    Vary: "Accept-Encoding",
  });
  const ifNoneMatch = request.headers.get("If-None-Match");
  for (const encoding of accepted) {
    const headers = headersFor(encoding);
    if (matchesEtag(ifNoneMatch, headers.ETag)) return new Response(null, { status: 304, headers });
  }
  for (const encoding of accepted) {
    const body = bodyIn(encoding);
    if (!body) continue;
    const headers = new Headers({
      ...headersFor(encoding),
      "Content-Type": contentType,
      // Also for HEAD, whose response has no body to count.
      "Content-Length": `${body.length}`,
    });
    if (encoding !== "identity") headers.set("Content-Encoding", encoding);
    return new Response(body, { headers });
  }
  return problem(406, "The content comes as br, gzip or identity, and Accept-Encoding allows none of them", {
    Vary: "Accept-Encoding",
  });
}
