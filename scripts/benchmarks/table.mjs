// @ts-check
/** Tables of figures: on the terminal, and in `docs/benchmarks.md`. */
import { readFileSync, writeFileSync } from "node:fs";

/** @typedef {readonly (readonly string[])[]} Rows the first row holds the column heads */

const PAGE = new URL("../../docs/benchmarks.md", import.meta.url);

/**
 * @param {string} title
 * @param {Rows} rows
 */
export function printTable(title, rows) {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  console.log(`\n${title}`);
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}

/**
 * Replaces the table of the given name in `docs/benchmarks.md`.
 *
 * @param {string} name
 * @param {Rows} rows
 * @throws {Error} if the page has no such table.
 */
export function recordTable(name, rows) {
  writeFileSync(PAGE, replaceTable(readFileSync(PAGE, "utf8"), name, rows));
}

/**
 * Returns the page with the rows in place of the table below `<!-- table: name -->`.
 *
 * @param {string} page
 * @param {string} name
 * @param {Rows} rows
 * @throws {Error} if the page has no such table, or several.
 */
export function replaceTable(page, name, rows) {
  const place = `<!-- table: ${name} -->\n\n`;
  const [before, after, ...more] = page.split(place);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`Expected "${place.trim()}" once in the page, and a table below it`);
  const [heads = [], ...body] = rows;
  const lines = [heads, heads.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |\n`);
  return before + place + lines.join("") + after.replace(/^(\|.*\n)*/, "");
}
