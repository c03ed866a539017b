/** What docs/security.md promises, read from the page itself. */
import { readFileSync } from "node:fs";

const text = readFileSync("docs/security.md", "utf8");

/** The lines that the page offers for copying under this heading, with this origin in place of the example's. */
export function linesToPaste(heading: string, origin: string): string {
  const [, section = ""] = text.split(`### ${heading}\n`);
  const [, lines] = /```\w+\n(.*?)```/s.exec(section) ?? [];
  if (!lines) throw new Error(`docs/security.md has no lines under "${heading}"`);
  return lines.replaceAll("https://widget.example.com", origin).trim();
}

/** The headers that the page offers for copying under this heading, by their names in lower case. */
export function headersToPaste(heading: string, origin: string): Record<string, string> {
  const lines = linesToPaste(heading, origin).split("\n");
  return Object.fromEntries(
    lines.map((line) => {
      const [name = "", value = ""] = line.split(/: (.*)/s);
      return [name.toLowerCase(), value];
    }),
  );
}

/** The titles of tests that the page names, or parts of them that several tests share. */
export function namedTests(): readonly string[] {
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  const inTable = rows.flatMap((row) => [
    ...(row
      .split(" | ")
      .at(-1)
      ?.matchAll(/`([^`]+)`/g) ?? []),
  ]);
  const inBrackets = text.matchAll(/\(`([^`]+)`\)/g);
  return [...inTable, ...inBrackets].map(([, title = ""]) => title);
}
