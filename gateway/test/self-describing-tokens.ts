/** Tokens for tests of live availability. A token's content says whether the gateway accepts the token. */
import type { Access } from "../auth/access.ts";
import { SCOPES } from "../auth/caller.ts";
import { InvalidTokenError } from "../auth/invalid-token-error.ts";

/** Reads need a token; tokens of `token(subject)` are valid. */
export const GENUINE_ONLY: Access = {
  anonymousReads: false,
  async verify(token) {
    const [, claims = "", signature] = token.split(".");
    if (signature !== "genuine") throw new InvalidTokenError("Nobody has signed this token");
    const { sub } = JSON.parse(atob(claims));
    return { subject: Number(sub), scopes: new Set(SCOPES), endsAtMs: Number.MAX_SAFE_INTEGER };
  },
};

/** Creates a token with the subject. Any page could write one, but not sign it. */
export function token(subject: string, signature = "genuine"): string {
  return `header.${Buffer.from(JSON.stringify({ sub: subject })).toString("base64url")}.${signature}`;
}
