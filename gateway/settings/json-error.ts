/** First position at which a text is not JSON. */
export interface JsonError {
  /** Line and column, both from 1; the column counts UTF-16 code units. */
  readonly line: number;
  readonly column: number;
  /** Expected token. The actual token is left out, because the text may be a secret. */
  readonly expected: string;
}

const SPACE = /[ \t\n\r]*/y;
// Any characters except control characters, the quote and the backslash; or an escape.
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Finds the first position at which a text is not JSON (RFC 8259); `undefined` for valid JSON. The message of
 * `JSON.parse` quotes the text around the error, and names a line in some versions of Node only.
 */
export function findJsonError(text: string): JsonError | undefined {
  let at = 0;
  let expected = "";

  function fail(token: string): false {
    expected = token;
    return false;
  }

  function match(pattern: RegExp): boolean {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  }

  function matchToken(token: string): boolean {
    match(SPACE);
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  }

  function matchList(end: string, matchItem: () => boolean): boolean {
    if (matchToken(end)) return true;
    do {
      if (!matchItem()) return false;
    } while (matchToken(","));
    return matchToken(end) || fail(`"," or "${end}"`);
  }

  function matchMember(): boolean {
    match(SPACE);
    if (!match(STRING)) return fail("a name in double quotes");
    return matchToken(":") ? matchValue() : fail('":"');
  }

  function matchValue(): boolean {
    if (matchToken("{")) return matchList("}", matchMember);
    if (matchToken("[")) return matchList("]", matchValue);
    return match(STRING) || match(SCALAR) || fail("a value");
  }

  if (matchValue()) {
    match(SPACE);
    if (at === text.length) return undefined;
    expected = "the end of the file";
  }
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1, expected };
}
