/** Form of a token. Without valibot, because this file runs on the customer's page. */

/**
 * Token of the header `Authorization: Bearer`, up to 8192 characters: a proxy may reject a request with longer headers.
 *
 * @see RFC 6750 §2.1
 */
export const TOKEN_PATTERN = /^(?=.{1,8192}$)[\w.~+/-]+=*$/;

/** Completes the sentence "expected …". */
export const TOKEN_EXPECTED = "a bearer token of 1 to 8192 characters";

/** Checks the form of a token. The backend verifies the claims and the signature. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && TOKEN_PATTERN.test(value);
}
