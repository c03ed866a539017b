/** The claims of docs/security.md, and the tests in the table of docs/platforms.md. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "../fixtures/fixtures.ts";
import { namedTests } from "../fixtures/security-page.ts";
import { POLICIES } from "../platforms/policies.ts";

for (const [page, folders] of [
  ["docs/security.md", ["e2e/specs", "gateway/auth"]],
  ["docs/platforms.md", ["e2e/specs", "gateway/settings"]],
] as const) {
  test(`every test that ${page} names is there`, () => {
    const files = folders.flatMap((folder) => readdirSync(folder).map((file) => `${folder}/${file}`));
    const specs = files.filter((file) => /\.(spec|test)\.ts$/.test(file));
    const sources = specs.map((file) => readFileSync(file, "utf8")).join("\n");
    // One test for each policy.
    const filled = POLICIES.map(({ name }) => `under the policy of ${name}`).join("\n");
    const titles = namedTests(page);
    expect(titles.length).toBeGreaterThan(10);
    expect(titles.filter((title) => !`${sources}\n${filled}`.includes(title))).toEqual([]);
  });
}
