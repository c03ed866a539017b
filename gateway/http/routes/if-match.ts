/**
 * Parses the versions in an `If-Match` header; `undefined` if the header allows any version. Weak tags are ignored,
 * because the comparison is strong (RFC 9110 §13.1.1), and so are tags without a version.
 */
export function parseIfMatch(header: string | undefined): readonly number[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  // Find tags instead of splitting at commas: a tag may contain a comma.
  const tags = header.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
  return tags.filter((tag) => /^"(?:0|[1-9]\d{0,15})"$/.test(tag)).map((tag) => Number(tag.slice(1, -1)));
}
