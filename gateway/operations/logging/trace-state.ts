/** `key=value`, where a key may name a tenant before an `@`. */
const MEMBER =
  /^[a-z\d][a-z\d_\-*/]{0,240}(@[a-z][a-z\d_\-*/]{0,13})?=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

const MAX_MEMBERS = 32;

/** Whoever takes a `tracestate` takes so many characters. */
const MAX_LENGTH = 512;

/** Members longer than that go first where not all can be kept. */
const LONG_MEMBER_LENGTH = 128;

/**
 * A `tracestate` as it is handed on, unchanged but for spaces and for what goes beyond its length; `undefined` where it is
 * empty or malformed.
 *
 * @see {@link https://www.w3.org/TR/trace-context/#tracestate-header} for the form.
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
  const kept = members.filter((member) => member.length <= LONG_MEMBER_LENGTH);
  for (text = kept.join(","); text.length > MAX_LENGTH; text = kept.join(",")) kept.pop();
  return text;
}
