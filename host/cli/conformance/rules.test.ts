/** Compares the kit's rules with the documentation. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hostRules } from "./host-rules.ts";
import { toLink } from "./rule.ts";
import { createWidgetRules } from "./widget-rules/index.ts";

const protocol = readFileSync("docs/protocol.md", "utf8");
const page = readFileSync("docs/conformance.md", "utf8");
const lists = { "Rules for a widget": createWidgetRules([]), "Rules for a page": hostRules };

/** Anchors of a page's headings, as GitHub makes them. */
const anchors = [...protocol.matchAll(/^##+ (.+)$/gm)].map(([, heading = ""]) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-"),
);

test.each(Object.entries(lists))("docs/conformance.md has the table of the %s", (heading, rules) => {
  const rows = rules.map(({ id, level, sentence, section }) => {
    return `| \`${id}\` | ${level} | ${sentence} | [${section.replaceAll("-", " ")}](protocol.md#${section}) |`;
  });
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const [text = ""] = section.split("\n## ");
  expect([...text.matchAll(/^\| `.*$/gm)].map(([row]) => row)).toEqual(rows);
});

test.each(Object.entries(lists))(
  "each of the %s has a name of its own and a paragraph in docs/protocol.md",
  (_heading, rules) => {
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
    for (const { section } of rules) expect(anchors, toLink(section)).toContain(section);
  },
);
