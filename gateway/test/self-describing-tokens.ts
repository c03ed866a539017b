/** Tokens for tests of what is live, each of which says by itself whether it is genuine. */
import type { Access } from "../auth/access.ts";
import { SCOPES } from "../auth/caller.ts";
import { InvalidTokenError } from "../auth/invalid-token-error.ts";

/** Reads need a token, and those of `token(subject)` hold. */
export const GENUINE_ONLY: Access = {
  anonymousReads: false,
  async verify(token) {
    const [, claims = "", signature] = token.split(".");
    if (signature !== "genuine") throw new InvalidTokenError("Nobody has signed this token");
    const { sub } = JSON.parse(atob(claims));
    return { subject: Number(sub), scopes: new Set(SCOPES), key: token, endsAtMs: Number.MAX_SAFE_INTEGER };
  },
};

/** A token that names this subject. Anybody can write one, but not sign it. */
export function token(subject: string, signature = "genuine"): string {
  return `header.${Buffer.from(JSON.stringify({ sub: subject })).toString("base64url")}.${signature}`;
}
