/** What a token looks like. Free of valibot, so that a host page can use it. */

/**
 * A token as the header `Authorization: Bearer` carries it, of at most 8192 characters: past that a proxy may refuse the
 * whole request for its headers.
 *
 * @see RFC 6750 §2.1
 */
export const TOKEN_PATTERN = /^(?=.{1,8192}$)[\w.~+/-]+=*$/;

/** Completes the sentence "expected …". */
export const TOKEN_EXPECTED = "a bearer token of 1 to 8192 characters";

/** Whether a value is a token that a header can carry. What it says, and whether it is genuine, is for the backend to find out. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && TOKEN_PATTERN.test(value);
}
