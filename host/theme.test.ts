/** The themes that a page may name, and that the widget reads. */
import { expect, test } from "vitest";
import { readPageLook } from "../widget/panel/page-look.ts";
import { findThemeFault } from "./theme.ts";

test.for([
  ["", "auto", undefined],
  ["auto", "auto", undefined],
  ["light", "light", undefined],
  ["Dark", "dark", undefined],
  ["#7a1fa2", "auto", "#7a1fa2"],
  ["dark #7a1fa2", "dark", "#7a1fa2"],
  ["LIGHT  #ABC ", "light", "#aabbcc"],
  ["\n  auto\n  #fff\n", "auto", "#ffffff"],
])("accepts %j, which the widget reads as %s with the colour %s", ([theme, name, accent]) => {
  expect(findThemeFault(theme)).toBeUndefined();
  expect(readPageLook("", `${theme}&de`)).toEqual({ theme: name, accent, language: "de" });
});

test("accepts no theme", () => {
  expect(findThemeFault()).toBeUndefined();
});

test.for([
  "drak",
  "light dark",
  "light-dark",
  "dark blue",
  "dark #7a1fa",
  "dark #7a1fa2ff",
  "dark #7a1fz2",
  "dark 7a1fa2",
  "dark#7a1fa2",
  "dark, #7a1fa2",
  "dark #7a1fa2 #fff",
  "dark&de",
  "undefined",
  "rgb(1, 2, 3)",
])("refuses %j by name, with what was expected", (theme) => {
  expect(findThemeFault(theme)).toBe(
    `theme: expected light, dark or auto, then a color such as #7a1fa2 or none, not ${JSON.stringify(theme)}`,
  );
});
