import { expect, test } from "vitest";
import { countComment, findExcesses, readComments, sum } from "./count-words.mjs";

function count(source: string) {
  return sum(readComments("sample.ts", source).map(countComment));
}

test("reads comments, and no text of strings, templates and regular expressions", () => {
  const source = [
    'const address: string = "https://example.com/*"; // Address of the gateway.',
    "const path = `/* ${1 /* Port. */} //`;",
    "const pattern = /[/*]\\/\\//;",
  ].join("\n");
  expect(readComments("sample.ts", source)).toEqual([
    { line: 1, isDoc: false, text: "Address of the gateway." },
    { line: 2, isDoc: false, text: "Port." },
  ]);
});

test("joins adjacent line comments, and parts those with an empty line between them", () => {
  const comments = readComments("sample.ts", "// Sends the\n// request.\n\n// Closes.\n");
  expect(comments.map(({ line, text }) => [line, text.replace(/\s+/g, " ")])).toEqual([
    [1, "Sends the request."],
    [4, "Closes."],
  ]);
});

test("counts pronouns and indefinites, also with an apostrophe, and lists them in order", () => {
  const { words, pronouns, found } = count("/** Sends whoever asks nobody's token, and this one. */");
  expect({ words, pronouns }).toEqual({ words: 8, pronouns: 4 });
  expect(found).toEqual(["whoever", "nobody", "this", "one"]);
});

test("counts a doc comment that begins with a wh-word, and no other comment", () => {
  expect(count("/** What the page gets. */")).toMatchObject({ docComments: 1, whClauses: 1 });
  expect(count("/** Whole milliseconds. */")).toMatchObject({ docComments: 1, whClauses: 0 });
  expect(count("// What the page gets.")).toMatchObject({ docComments: 0, whClauses: 0 });
});

test('counts "where" in place of "if", and not where it asks for a place', () => {
  expect(count("// Returns nothing where the token has expired.").where).toBe(1);
  expect(count("// The worker knows where the page is.").where).toBe(0);
});

test("leaves out code, links, types of tags and directives", () => {
  const source = [
    "/**",
    " * Sends `what it gets` to https://example.com/it/what/they.",
    " *",
    " * @param {Them} it the request",
    " * @throws {ThatError} when the page has closed. See {@link those}.",
    " */",
    "// biome-ignore lint/style: whatever it says",
  ].join("\n");
  expect(count(source).found).toEqual([]);
});

test("counts a sentence for each full stop and each paragraph", () => {
  const { words, sentences } = count("/**\n * Opens the port. Sends SYN\n *\n * Reads version 1.5.\n */");
  expect({ words, sentences }).toEqual({ words: 7, sentences: 3 });
});

test("names each rate above its limit, with the rate and the limit", () => {
  const clear = count("/** Sends the request to the gateway. */");
  expect(findExcesses("host", clear)).toEqual([]);
  const unclear = count("/** What it sends where that is asked. */");
  expect(findExcesses("host", unclear)).toEqual([
    "host: 42.9 pronouns and indefinites per 100 words, expected at most 6",
    "host: 100.0 % of doc comments beginning with a wh-clause, expected at most 2",
    'host: 142.9 "where" for "if" or "when" per 1,000 words, expected at most 1',
  ]);
});

test("counts nothing in a source without comments", () => {
  const nothing = count("export const port = 4100;");
  expect(nothing).toMatchObject({ words: 0, sentences: 0, found: [] });
  expect(findExcesses("all", nothing)).toEqual([]);
});
