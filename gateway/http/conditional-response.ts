/** Something that a reader may hold a copy of. */
export interface Representation {
  /** A strong entity tag, with its quotes. */
  readonly etag: string;
  readonly contentType: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Sent with every answer, 304 included. */
  readonly headers: Readonly<Record<string, string>>;
}

/** 200 with the representation, or 304 without its body where the request says that its sender holds it already. */
export function conditionalResponse(request: Request, { etag, contentType, body, headers }: Representation): Response {
  if (matchesEtag(request.headers.get("If-None-Match"), etag)) {
    return new Response(null, { status: 304, headers: { ...headers, ETag: etag } });
  }
  return new Response(body, { headers: { ...headers, ETag: etag, "Content-Type": contentType } });
}

/**
 * Whether an `If-None-Match` header says that its sender holds what has this entity tag. It compares weakly, so that
 * `W/"7"` matches `"7"`: RFC 9110 §13.1.2.
 */
export function matchesEtag(ifNoneMatch: string | null | undefined, etag: string): boolean {
  if (ifNoneMatch == null) return false;
  // Most readers hold one.
  if (ifNoneMatch === etag || ifNoneMatch.trim() === "*") return true;
  // Tags are found, not split apart: a comma may stand inside of one.
  return ifNoneMatch.match(/"[\x21\x23-\x7e\x80-\xff]*"/g)?.includes(etag) ?? false;
}
