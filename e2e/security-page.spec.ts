/** The claims of docs/security.md. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "./fixtures.ts";
import { namedTests } from "./security-page.ts";

test("every test that docs/security.md names is there", () => {
  const specs = readdirSync("e2e").filter((file) => file.endsWith(".spec.ts"));
  const sources = specs.map((file) => readFileSync(`e2e/${file}`, "utf8")).join("\n");
  const titles = namedTests();
  expect(titles.length).toBeGreaterThan(20);
  expect(titles.filter((title) => !sources.includes(title))).toEqual([]);
});
