import { expect, test } from "vitest";
import { goldenLooks } from "../../gateway/test/golden-exchanges.ts";
import { readPageLook } from "./page-look.ts";

test.each([
  ["", { theme: "auto", accent: undefined, language: undefined }],
  ["#theme=dark&lang=de-AT", { theme: "dark", accent: undefined, language: "de-AT" }],
  ["#theme=Light%20%237A1fa2", { theme: "light", accent: "#7a1fa2", language: undefined }],
  // As a browser leaves it in an address.
  ["#theme=auto%20#fa0&lang=", { theme: "auto", accent: "#ffaa00", language: undefined }],
  ["#theme=url(x)%20#12345&lang=%zz", { theme: "auto", accent: undefined, language: "%zz" }],
])("reads the fragment %j", (hash, look) => {
  expect(readPageLook(hash)).toEqual(look);
});

test.each([
  ["#theme=light", "dark&de", { theme: "light", accent: undefined, language: "de" }],
  ["#lang=fr", "dark&de", { theme: "dark", accent: undefined, language: "fr" }],
])("reads the fragment %j before the registration's %j", (hash, registered, look) => {
  expect(readPageLook(hash, registered)).toEqual(look);
});

test.each(goldenLooks)("reads the golden look $look", ({ look, theme, accent, language }) => {
  expect(readPageLook("", look)).toEqual({ theme, accent: accent ?? undefined, language: language ?? undefined });
});

test("there are as many golden looks as were written", () => {
  expect(goldenLooks).toHaveLength(18);
});
