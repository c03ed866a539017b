import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ENTRIES, NAMES, toRows } from "./sizes.mjs";

/** Sizes of 1, 1,001, 2,001 and so on, in the order of the entries. */
const sizes = {
  connector: 1,
  "hooks for React": 1_001,
  "components and hooks for React": 2_001,
  "composables for Vue": 3_001,
  "component and composables for Vue": 4_001,
  "embed.js": 5_001,
  "badge of embed.js": 6_001,
  "badges with extras": 7_001,
  "developer's tools of embed.js": 8_001,
  "doctor of embed.js": 9_001,
  "fast snippet, not compressed": 10_001,
  "widget without its view and its live part": 11_001,
  "view of a visible widget": 12_001,
};

test("the rows have the size and the budget of each entry, in order", () => {
  const [heads, first, second, ...others] = toRows(sizes);
  expect(heads).toEqual(["entry", "size", "budget"]);
  expect(first).toEqual(["`connect` from the built package", "1", "11,800"]);
  expect(second).toEqual(["`availability-bridge/react` over the connector: provider and hooks", "1,001", "1,500"]);
  expect(others).toHaveLength(NAMES.length - 2);
});

test("the page of the benchmarks has each entry with its budget, and no size above the budget", () => {
  const [, below = ""] = readFileSync("docs/benchmarks.md", "utf8").split("<!-- table: sizes -->\n\n");
  const [table = ""] = below.split("\n\n");
  const rows = table.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const recorded = rows
    .slice(2)
    .map(([, text, size, budget]) => ({ text, size: toNumber(size), budget: toNumber(budget) }));
  expect(recorded.map(({ text, budget }) => ({ text, budget }))).toEqual(NAMES.map((name) => ENTRIES[name]));
  expect(recorded.filter(({ size, budget }) => !(size <= budget))).toEqual([]);
});

function toNumber(digits = ""): number {
  return Number(digits.replaceAll(",", ""));
}
