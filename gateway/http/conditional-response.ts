/** Content that a client may have cached. */
export interface Representation {
  /** A strong entity tag, with its quotes. */
  readonly etag: string;
  readonly contentType: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Headers of every response, 304 included. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Responds with the content, or with 304 and no body if `If-None-Match` names its entity tag. */
export function conditionalResponse(request: Request, { etag, contentType, body, headers }: Representation): Response {
  if (matchesEtag(request.headers.get("If-None-Match"), etag)) {
    return new Response(null, { status: 304, headers: { ...headers, ETag: etag } });
  }
  return new Response(body, { headers: { ...headers, ETag: etag, "Content-Type": contentType } });
}

/**
 * True if an `If-None-Match` header names this entity tag. The comparison is weak: `W/"7"` matches `"7"` (RFC 9110
 * §13.1.2).
 */
export function matchesEtag(ifNoneMatch: string | null | undefined, etag: string): boolean {
  if (ifNoneMatch == null) return false;
  // Most clients send exactly one tag.
  if (ifNoneMatch === etag || ifNoneMatch.trim() === "*") return true;
  // Find tags instead of splitting at commas: a tag may contain a comma.
  return ifNoneMatch.match(/"[\x21\x23-\x7e\x80-\xff]*"/g)?.includes(etag) ?? false;
}
