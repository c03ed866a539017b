/** What a page's bundle has of the package: only what the page imports. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { bundle } from "../../scripts/bundle.mjs";
import { expect, test } from "../fixtures/fixtures.ts";

/** Texts that only the test kit has, and texts that only valibot has: both survive a minifier. */
const KIT = ["The test rejects", "the test has disconnected it"];
const VALIBOT = ["~standard", "~run"];

/** Bundles an import of the built package, as a page's bundler does. */
async function bundleImport(code: string): Promise<string> {
  mkdirSync("node_modules/.cache", { recursive: true });
  const file = `${mkdtempSync("node_modules/.cache/bundles-")}/page.js`;
  writeFileSync(file, code);
  return bundle(file);
}

const textsIn = (code: string): readonly string[] => [...KIT, ...VALIBOT].filter((text) => code.includes(text));

const entry = (name: string): string => `${process.cwd()}/dist/${name}.js`;

for (const name of ["index", "badge", "inspector"]) {
  test(`a page that imports everything of ${name}.js has neither the test kit nor valibot @once`, async () => {
    const code = await bundleImport(`import * as all from "${entry(name)}"; window.all = all;`);
    expect(code.length).toBeGreaterThan(1_000);
    expect(textsIn(code)).toEqual([]);
  });
}

test("a page that imports the test kit has both, so that the texts are those to look for @once", async () => {
  const code = await bundleImport(`import * as all from "${entry("testing")}"; window.all = all;`);
  expect(textsIn(code)).toEqual([...KIT, ...VALIBOT]);
});

test("a page that imports the kit's entry and uses nothing of it has nothing of it @once", async () => {
  expect(await bundleImport(`import "${entry("testing")}"; window.page = true;`)).toHaveLength(
    (await bundleImport("window.page = true;")).length,
  );
});

test("a page that has the connector and the kit has one core of both @once", async () => {
  const both = `import { connect, RejectedError } from "${entry("index")}";
    import { createTestConnector } from "${entry("testing")}"; window.all = { connect, RejectedError, createTestConnector };`;
  const code = await bundleImport(both);
  expect(code.split("was lost with its widget")).toHaveLength(2);
});

test("no file that the script tag loads has anything of the kit or of valibot @once", () => {
  const files = readdirSync("dist").filter((name) => /^(?:embed|fast-snippet).*\.js$/.test(name));
  expect(files).toContain("embed.js");
  expect(files.filter((name) => textsIn(readFileSync(`dist/${name}`, "utf8")).length > 0)).toEqual([]);
});
