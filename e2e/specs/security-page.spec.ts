/** The claims of docs/security.md. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "../fixtures/fixtures.ts";
import { namedTests } from "../fixtures/security-page.ts";

test("every test that docs/security.md names is there", () => {
  const files = ["e2e/specs", "gateway/auth"].flatMap((folder) =>
    readdirSync(folder).map((file) => `${folder}/${file}`),
  );
  const specs = files.filter((file) => /\.(spec|test)\.ts$/.test(file));
  const sources = specs.map((file) => readFileSync(file, "utf8")).join("\n");
  const titles = namedTests();
  expect(titles.length).toBeGreaterThan(20);
  expect(titles.filter((title) => !sources.includes(title))).toEqual([]);
});
