import * as v from "valibot";

/** How long before its end a token is replaced, in milliseconds: for the call that carries it, and for clocks that differ. */
const REFRESH_MARGIN_MS = 30_000;

/** `exp` is in seconds since 1970. @see RFC 7519 §4.1.4 */
const ExpClaim = v.object({ exp: v.number() });

const SubClaim = v.object({ sub: v.string() });

/**
 * When to ask for another token, in milliseconds since 1970: 30 s before this one ends, or at half of what is left of a
 * shorter life. `Infinity` where it does not say, or has ended by this machine's clock already, which then is wrong as likely
 * as the token: the backend will tell. The token is read, not verified, which is the backend's to do.
 *
 * Not by a library: jose's decoder would take 800 bytes of a document that a request waits for.
 */
export function getRefreshTime(token: string, now: number): number {
  const claims = v.safeParse(ExpClaim, decodeClaims(token));
  const remainingMs = claims.success ? claims.output.exp * 1_000 - now : 0;
  return remainingMs > 0 ? now + remainingMs - Math.min(REFRESH_MARGIN_MS, remainingMs / 2) : Infinity;
}

/** Whom a token names as its subject, which is the backend's to verify; `undefined` where it names none. @see RFC 7519 §4.1.2 */
export function getSubject(token: string): string | undefined {
  const claims = v.safeParse(SubClaim, decodeClaims(token));
  return claims.success ? claims.output.sub : undefined;
}

/** What a JWT says, with each byte of its text as a character: that is enough for numbers. `undefined` for any other token. */
function decodeClaims(token: string): unknown {
  const [, payload = ""] = token.split(".");
  try {
    return JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return undefined;
  }
}
