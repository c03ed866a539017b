import { expect, onTestFinished, test } from "vitest";
import { TEST_BUILD, writeBuild } from "../test/test-build.ts";
import { NotBuiltError, readBuiltFiles } from "./built-files.ts";

async function buildOf(build: Readonly<Record<string, string>>): Promise<string> {
  const { directory, remove } = await writeBuild(build);
  onTestFinished(remove);
  return directory;
}

test("reads the document, the assets and the loader script", async () => {
  const files = await readBuiltFiles(await buildOf({ ...TEST_BUILD, "widget/assets/fonts/a.woff2": "font" }));
  const types = Array.from(files.widgetAssets, ([path, { contentType }]) => [path, contentType]);
  expect(files.widgetHtml).toBe(TEST_BUILD["widget/index.html"]);
  expect(new TextDecoder().decode(files.embed.body)).toBe(TEST_BUILD["embed.js"]);
  expect(Object.fromEntries(types)).toEqual({
    "assets/fonts/a.woff2": "font/woff2",
    "assets/view-Bx1.js": "text/javascript; charset=utf-8",
    "assets/view-Cy2.css": "text/css; charset=utf-8",
  });
});

test("reads every release of the loader script, and no other file beside the script", async () => {
  const others = {
    "embed-1.1.0-beta.2.js": "1;",
    "embed.integrity.json": "{}",
    "embed-1.2.3.js.map": "{}",
    "index.js": "",
  };
  const { releases } = await readBuiltFiles(await buildOf({ ...TEST_BUILD, ...others }));
  expect(Array.from(releases.keys()).sort()).toEqual(["embed-1.1.0-beta.2.js", "embed-1.2.3.js"]);
});

test("gives a file an entity tag by its content", async () => {
  const first = await readBuiltFiles(await buildOf(TEST_BUILD));
  const same = await readBuiltFiles(await buildOf(TEST_BUILD));
  const other = await readBuiltFiles(await buildOf({ ...TEST_BUILD, "embed.js": "other();" }));
  expect(same.embed.etag).toBe(first.embed.etag);
  expect(other.embed.etag).not.toBe(first.embed.etag);
});

test("has no assets if the widget was built into one file", async () => {
  const build = { "widget/index.html": "<p>", "embed.js": "" };
  expect((await readBuiltFiles(await buildOf(build))).widgetAssets.size).toBe(0);
});

test.each([
  ["dist/widget/index.html", { "embed.js": "" }],
  ["dist/embed.js", { "widget/index.html": "" }],
])("reports in one line that %s is missing", async (path, build) => {
  const reading = readBuiltFiles(await buildOf(build));
  await expect(reading).rejects.toThrow(NotBuiltError);
  await expect(reading).rejects.toThrow(
    `${path} is missing beside the gateway. Copy the whole directory dist of a release, with widget/ and embed.js; from sources, build it first.`,
  );
});
