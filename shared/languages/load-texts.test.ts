import { expect, test } from "vitest";
import { formatAge } from "./format-age.ts";
import { LANGUAGES } from "./language.ts";
import { loadTexts } from "./load-texts.ts";

const english = await loadTexts("en");

test.each(LANGUAGES)("%s has each text, trimmed, and a place for the age in `stale` alone", async (language) => {
  const texts = await loadTexts(language);
  expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
  for (const [key, text] of Object.entries(texts)) {
    expect(text, key).toMatch(/^\S(.*\S)?$/u);
    expect(text.includes("{age}"), key).toBe(key === "stale");
  }
});

test.each(LANGUAGES)("%s has a different text for each state and each reason", async (language) => {
  const { callable: _callable, not_callable: _notCallable, ...texts } = await loadTexts(language);
  expect(new Set(Object.values(texts)).size).toBe(Object.keys(texts).length);
});

test.each([
  [0, "0s ago", "0 seconds ago"],
  [-5_000, "0s ago", "0 seconds ago"],
  [59_999, "59s ago", "59 seconds ago"],
  [60_000, "1m ago", "1 minute ago"],
  [3_599_999, "59m ago", "59 minutes ago"],
  [7_200_000, "2h ago", "2 hours ago"],
  [86_400_000, "1d ago", "1 day ago"],
])("formats an age of %d ms as %s", (ageMs, narrow, long) => {
  expect(formatAge(ageMs, "en", "narrow")).toBe(narrow);
  expect(formatAge(ageMs, "en", "long")).toBe(long);
});

test.each(LANGUAGES)("formats an age in %s in its own words", (language) => {
  const texts = LANGUAGES.map((each) => formatAge(300_000, each, "long"));
  expect(texts.filter((text) => text === formatAge(300_000, language, "long"))).toHaveLength(1);
});
