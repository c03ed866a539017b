import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { replaceTable } from "./table.mjs";

const rows = [
  ["side", "ms"],
  ["bridge", "1.20"],
];

test("replaces the table of the given name and keeps the rest of the page", () => {
  const page =
    "# Page\n\n<!-- table: warm -->\n\n| old | ms | more |\n| --- | --- | --- |\n| x | 1 | 2 |\n\nText.\n\n| other |\n";
  expect(replaceTable(page, "warm", rows)).toBe(
    "# Page\n\n<!-- table: warm -->\n\n| side | ms |\n| --- | --- |\n| bridge | 1.20 |\n\nText.\n\n| other |\n",
  );
});

test.each(["", "<!-- table: cold -->\n\n", "<!-- table: warm -->\n\n<!-- table: warm -->\n\n"])(
  "rejects a page without exactly one place for the table: %j",
  (page) => {
    expect(() => replaceTable(page, "warm", rows)).toThrow('Expected "<!-- table: warm -->" once');
  },
);

test.each(["warm", "cold", "delivery", "badges", "idle", "sizes"])(
  "the page of the benchmarks has a place for %s",
  (name) => {
    expect(() => replaceTable(readFileSync("docs/benchmarks.md", "utf8"), name, rows)).not.toThrow();
  },
);
