/** `key=value`, with a key that may name a tenant before an `@`. */
const MEMBER =
  /^[a-z\d][a-z\d_\-*/]{0,240}(@[a-z][a-z\d_\-*/]{0,13})?=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

const MAX_MEMBERS = 32;

/** Minimum length that every receiver of a `tracestate` must support. */
const MAX_LENGTH = 512;

/** Longer members are removed first. */
const LONG_MEMBER_LENGTH = 128;

/**
 * Parses a `tracestate` for forwarding. Removes spaces, and members beyond the maximum length; `undefined` if the
 * header is empty or malformed.
 *
 * @see {@link https://www.w3.org/TR/trace-context/#tracestate-header} for the format.
 */
export function parseTraceState(header: string | undefined): string | undefined {
  const members = (header ?? "")
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
  if (members.length > MAX_MEMBERS || !members.every((member) => MEMBER.test(member))) return undefined;
  return shorten(members) || undefined;
}

function shorten(members: readonly string[]): string {
  let text = members.join(",");
  if (text.length <= MAX_LENGTH) return text;
  const short = members.filter((member) => member.length <= LONG_MEMBER_LENGTH);
  for (text = short.join(","); text.length > MAX_LENGTH; text = short.join(",")) short.pop();
  return text;
}
