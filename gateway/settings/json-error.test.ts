import fc from "fast-check";
import { expect, test } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { findJsonError } from "./json-error.ts";

test.each([
  ["", 1, 1, "a value"],
  ["{", 1, 2, "a name in double quotes"],
  ['{\n  "a": 1,\n}', 3, 1, "a name in double quotes"],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, '"," or "}"'],
  ['{ "a" 1 }', 1, 7, '":"'],
  ['{\n  "a": [1, 2\n}', 3, 1, '"," or "]"'],
  ['{ "a": yes }', 1, 8, "a value"],
  ["{ 'a': 1 }", 1, 3, "a name in double quotes"],
  ['{ "a": "one\n  line" }', 1, 8, "a value"],
  ["{} {}", 1, 4, "the end of the file"],
])("finds where %j stops being JSON", (text, line, column, expected) => {
  expect(findJsonError(text)).toEqual({ line, column, expected });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("finds an error in exactly the texts that JSON.parse rejects", () => {
  const damaged = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.nat({ max: 3 }),
      fc.constantFrom("", ",", "}", "]", '"', ":", "\\", "\n", "0", "-", "e"),
    )
    .map(([json, at, length, inserted]) => {
      const from = at % (json.length + 1);
      return json.slice(0, from) + inserted + json.slice(from + length);
    });
  fc.assert(
    fc.property(fc.oneof(fc.json(), damaged), (text) => {
      expect(findJsonError(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: scaleRuns(2000) },
  );
});
