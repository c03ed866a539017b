/**
 * A token was refused. Whoever brought it has to bring another one; why is for the operator's log alone, since the
 * asker might be the one who forges. The message never holds the token, nor a part of it.
 */
export class InvalidTokenError extends Error {
  override readonly name = "InvalidTokenError";
}
