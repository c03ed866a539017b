import { describe, expect, test } from "vitest";
import { en } from "../../shared/languages/en.ts";
import { createEnglish, isUserId, readText } from "./badge-texts.ts";

/** Texts that only the extras show: a badge without them has no age, and no badge says whether it is callable. */
const OTHERS = ["stale", "callable", "not_callable", "other"];

describe("the English texts of the badge's file", () => {
  const { texts = {} } = createEnglish(undefined);
  const shown = Object.entries(en).filter(([key]) => !OTHERS.includes(key));

  test.each(shown)("has %s as the English catalogue has it", (key, text) => {
    expect(readText(texts, key)).toBe(text);
  });

  test("takes the page's own texts, and their width, but for the text of the age", () => {
    const found = createEnglish({ in_call: "Is talking to somebody else", stale: "As it was at the time {age}" });
    expect(readText(found.texts ?? {}, "in_call")).toBe("Is talking to somebody else");
    expect(found.widest).toContain("Is talking to somebody else");
    expect(found.widest).toContain("Available 59m ago");
    expect(found.widest).not.toContain("As it was");
  });
});

test.each([
  ["123", true],
  ["9007199254740991", true],
  ["9007199254740992", false],
  ["0", false],
  ["0x7B", false],
  ["1e2", false],
  [" 1", false],
  ["", false],
])("the text %j is an agent's id: %s", (text, expected) => {
  expect(isUserId(text)).toBe(expected);
});
