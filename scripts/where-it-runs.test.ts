/** Holds the tables of docs/where-it-runs.md to the tests that their rows name. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONSUMERS } from "../e2e/consumers/consumers.mjs";

/** Last cells of all rows but the heads and their lines. */
const cells = readFileSync("docs/where-it-runs.md", "utf8")
  .split("\n")
  .filter((line) => /^\| (?!What \||---)/.test(line))
  .map((line) => line.slice(0, -2).split(" | ").at(-1) ?? "");

/** Reads a cell, which has titles after the file of each: `` `file`: `title`, `title` · `file`: `title` ``. */
function parseCell(cell: string): readonly (readonly [file: string, title: string])[] {
  return cell.split(" · ").flatMap((part) => {
    const [, file, titles] = /^`([^`]+)`: (`[^`]+`(?:, `[^`]+`)*)$/.exec(part) ?? [];
    if (file === undefined || titles === undefined) throw new Error(`No file and titles: ${part}`);
    return Array.from(titles.matchAll(/`([^`]+)`/g), ([, title = ""]) => [file, title] as const);
  });
}

function isThere([file, title]: readonly [file: string, title: string]): boolean {
  if (file === "e2e/consumers/consumers.mjs") return CONSUMERS.some(({ name }) => name === title);
  return existsSync(file) && readFileSync(file, "utf8").includes(title);
}

test("each row of docs/where-it-runs.md names tests that exist, by the file and a part of the title", () => {
  const named = cells.flatMap(parseCell);
  expect(cells.length).toBeGreaterThan(30);
  expect(named.filter((item) => !isThere(item))).toEqual([]);
});

test("docs/where-it-runs.md names each tool of e2e/consumers", () => {
  const named = cells.flatMap(parseCell).map(([, title]) => title.replace(/,.*/, ""));
  expect(CONSUMERS.map(({ name }) => name.replace(/,.*/, "")).filter((tool) => !named.includes(tool))).toEqual([]);
});
