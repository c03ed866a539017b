import * as v from "valibot";

/** Time between the refresh and the expiry of a token, in milliseconds: for the last call and for clock skew. */
const REFRESH_MARGIN_MS = 30_000;

/** `exp` is in seconds since 1970. @see RFC 7519 §4.1.4 */
const ExpClaim = v.object({ exp: v.number() });

const SubClaim = v.object({ sub: v.string() });

/**
 * Returns the time to refresh a token, in milliseconds since 1970: 30 s before the expiry, or at half of a shorter remaining
 * time. Returns `Infinity` without `exp`, and for a token that has expired by this machine's clock: the clock may be wrong,
 * and the backend decides. The token is read here, not verified.
 *
 * jose's decoder would add 800 bytes to the document, and the first request waits for the document.
 */
export function getRefreshTime(token: string, now: number): number {
  const claims = v.safeParse(ExpClaim, decodeClaims(token));
  const remainingMs = claims.success ? claims.output.exp * 1_000 - now : 0;
  return remainingMs > 0 ? now + remainingMs - Math.min(REFRESH_MARGIN_MS, remainingMs / 2) : Infinity;
}

/**
 * Returns the time of the token's expiry, in milliseconds since 1970. Returns `Infinity` without `exp`, and for a token that has
 * expired by this machine's clock, as `getRefreshTime` does.
 */
export function getEndTime(token: string, now: number): number {
  const claims = v.safeParse(ExpClaim, decodeClaims(token));
  const endsAt = claims.success ? claims.output.exp * 1_000 : 0;
  return endsAt > now ? endsAt : Infinity;
}

/** Returns the token's subject without verifying the token; `undefined` without a subject. @see RFC 7519 §4.1.2 */
export function getSubject(token: string): string | undefined {
  const claims = v.safeParse(SubClaim, decodeClaims(token));
  return claims.success ? claims.output.sub : undefined;
}

/** Decodes a JWT's claims byte by byte, which suffices for numbers and ASCII; `undefined` if the token is not a JWT. */
export function decodeClaims(token: string): unknown {
  const [, payload = ""] = token.split(".");
  try {
    return JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return undefined;
  }
}
