/** Holds `custom-elements.json`, which editors read, to the badge. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { COLORS } from "../shared/looks/colors.ts";
import { MARKS } from "../shared/looks/marks.ts";

const manifest = JSON.parse(readFileSync("custom-elements.json", "utf8"));
const [badge] = manifest.modules[0].declarations;

const namesOf = (list: readonly { readonly name: string }[]): readonly string[] => list.map(({ name }) => name).sort();

/** Names that the badge's source files have between quotes after a pattern. */
function namesIn(file: string, pattern: RegExp): readonly string[] {
  return [...new Set(Array.from(readFileSync(file, "utf8").matchAll(pattern), ([, name = ""]) => name))].sort();
}

test("names each part of the badge, and no other", () => {
  const names = ["badge-view", "badge-extras"].flatMap((file) => namesIn(`host/badge/${file}.ts`, /part: "(\w+)"/g));
  expect(namesOf(badge.cssParts)).toEqual(names.sort());
});

test("names each colour that a page can replace, and no other", () => {
  const names = Object.keys(COLORS).map((name) => `--availability-${name}`);
  expect(namesOf(badge.cssProperties)).toEqual(names.sort());
});

test("the badge's styles have the default of each colour that they name, and name each", () => {
  const css = ["badge", "badge-extras"].map((file) => readFileSync(`host/badge/${file}.css`, "utf8")).join("");
  const defaults = css.matchAll(/var\(--availability-([\w-]+), light-dark\((#\w+), (#\w+)\)\)/g);
  const named = Array.from(defaults, ([, name = "", ...colors]): [string, readonly string[]] => [name, colors]);
  expect(Object.fromEntries(named)).toEqual(COLORS);
  const all = new Map<string, readonly string[]>(Object.entries(COLORS));
  for (const [name, colors] of named) expect(colors, name).toEqual(all.get(name));
});

test("names each state that a badge shows, and no other", () => {
  const { type } = badge.attributes.find(({ name }: { name: string }) => name === "data-state");
  expect(type.text.split(" | ").sort()).toEqual(
    Object.keys(MARKS)
      .map((state) => `"${state}"`)
      .sort(),
  );
});

test("names the attributes that the badge observes, and those by which it looks different", () => {
  const names = [
    "user-id",
    ...namesIn("host/badge/badge-element.ts", /"(data-(?:state|reason|stale|callable))"/g),
    "lang",
    "variant",
    "announce",
  ];
  expect(namesOf(badge.attributes)).toEqual(names.sort());
  const { customElements } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(customElements).toBe("./custom-elements.json");
});
