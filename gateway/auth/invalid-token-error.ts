/**
 * Thrown when a token is rejected. The caller must send another token. Only the operator's log gets the reason, because
 * the caller may have forged the token. The message contains no part of the token.
 */
export class InvalidTokenError extends Error {
  override readonly name = "InvalidTokenError";
}
