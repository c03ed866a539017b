/**
 * The versions that an `If-Match` header allows; `undefined` where it allows every one, as where there is none. A weak
 * tag allows nothing, since the comparison is a strong one (RFC 9110 §13.1.1), and neither does a tag that is no version.
 */
export function parseIfMatch(header: string | undefined): readonly number[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  // Tags are found, not split apart: a comma may stand inside of one.
  const tags = header.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
  return tags.filter((tag) => /^"(?:0|[1-9]\d{0,15})"$/.test(tag)).map((tag) => Number(tag.slice(1, -1)));
}
