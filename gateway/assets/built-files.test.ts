import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
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

test("tells the loader scripts of all releases from the badges that they load, and reads no other file beside them", async () => {
  const others = {
    "embed-1.1.0-beta.2.js": "1;",
    "embed.integrity.json": "{}",
    "embed-1.2.3.js.map": "{}",
    "index.js": "",
  };
  const { releases, releaseParts } = await readBuiltFiles(await buildOf({ ...TEST_BUILD, ...others }));
  expect(Array.from(releases.keys()).sort()).toEqual(["embed-1.1.0-beta.2.js", "embed-1.2.3.js"]);
  expect(Array.from(releaseParts.keys())).toEqual(["embed-badge-1a2b3c4d.js"]);
});

test("reads the widget's files of earlier releases that the operator has kept, which open pages still request", async () => {
  const kept = { "widget/assets/live-Old1.js": "export const live = 0;\n" };
  const { widgetAssets } = await readBuiltFiles(await buildOf({ ...TEST_BUILD, ...kept }));
  expect(widgetAssets.has("assets/live-Old1.js")).toBe(true);
  expect(widgetAssets.has("assets/view-Bx1.js")).toBe(true);
});

test("gives a file an entity tag by its content", async () => {
  const first = await readBuiltFiles(await buildOf(TEST_BUILD));
  const same = await readBuiltFiles(await buildOf(TEST_BUILD));
  const other = await readBuiltFiles(await buildOf({ ...TEST_BUILD, "embed.js": "other();" }));
  expect(same.embed.etag).toBe(first.embed.etag);
  expect(other.embed.etag).not.toBe(first.embed.etag);
});

const SCRIPT = "export const status = 'available';\n".repeat(20);

test("reads the compressed files that the build has written beside a file", async () => {
  const directory = await buildOf({ ...TEST_BUILD, "embed.js": SCRIPT, "widget/assets/live-Dz3.js": SCRIPT });
  // Of a lower level than the gateway's own, so that the bytes differ from the gateway's.
  const br = brotliCompressSync(SCRIPT, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  const gzip = gzipSync(SCRIPT, { level: 1 });
  await writeFile(join(directory, "embed.js.br"), br);
  await writeFile(join(directory, "embed.js.gz"), gzip);
  await writeFile(join(directory, "widget/assets/live-Dz3.js.br"), br);
  const { embed, widgetAssets } = await readBuiltFiles(directory);
  expect(embed.compressed).toEqual({ br: Uint8Array.from(br), gzip: Uint8Array.from(gzip) });
  expect([...widgetAssets.keys()]).not.toContain("assets/live-Dz3.js.br");
});

test("compresses a file without compressed files beside it, as scripts of earlier releases", async () => {
  const { embed } = await readBuiltFiles(await buildOf({ ...TEST_BUILD, "embed.js": SCRIPT }));
  const { br, gzip } = embed.compressed;
  expect(String(br && brotliDecompressSync(br))).toBe(SCRIPT);
  expect(String(gzip && gunzipSync(gzip))).toBe(SCRIPT);
});

test.each([
  ["of another release", brotliCompressSync("other();"), gzipSync("other();")],
  ["damaged", Buffer.from("no brotli"), Buffer.from("no gzip")],
])("never serves compressed files that are %s", async (_what, br, gzip) => {
  const directory = await buildOf({ ...TEST_BUILD, "embed.js": SCRIPT });
  await writeFile(join(directory, "embed.js.br"), br);
  await writeFile(join(directory, "embed.js.gz"), gzip);
  const { compressed } = (await readBuiltFiles(directory)).embed;
  expect(String(compressed.br && brotliDecompressSync(compressed.br))).toBe(SCRIPT);
  expect(String(compressed.gzip && gunzipSync(compressed.gzip))).toBe(SCRIPT);
});

test("has no compressed form of a file that compression does not make smaller", async () => {
  const { embed } = await readBuiltFiles(await buildOf({ ...TEST_BUILD, "embed.js": "a" }));
  expect(embed.compressed).toEqual({});
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
