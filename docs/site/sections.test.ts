import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readSections } from "./sections.ts";

test("reads a section for each heading, and a page for each link, in their order", () => {
  const readme = `# Documentation

Pages by reader. [The README](../README.md) has the first steps.

## You run it

- [Run it](run.md): settings
- [Where it runs](where.md): pages, [browsers and tools](browsers.md), each with tests · [Redis](redis.md#one)

## You change it

- [Parts](parts.md)
`;
  expect(readSections(readme.replace("#one", ""))).toEqual([
    {
      title: "You run it",
      pages: [
        { title: "Run it", file: "run.md" },
        { title: "Where it runs", file: "where.md" },
        { title: "Browsers and tools", file: "browsers.md" },
        { title: "Redis", file: "redis.md" },
      ],
    },
    { title: "You change it", pages: [{ title: "Parts", file: "parts.md" }] },
  ]);
});

test("refuses a heading without a page", () => {
  expect(() => readSections("# Documentation\n\n## You wait\n\nNothing yet.\n")).toThrow(
    'docs/README.md: expected a link to a page under "You wait"',
  );
  expect(() => readSections("# Documentation\n")).toThrow("docs/README.md: expected a heading");
});

test("finds each reader of docs/README.md", () => {
  const titles = readSections(readFileSync("docs/README.md", "utf8")).map(({ title }) => title);
  expect(titles).toContain("You run a CRM and add the badge");
  expect(titles).toContain("You run the gateway");
});
