import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BuiltFile, BuiltFiles } from "../assets/built-files.ts";

/** A small build in vite's form, for tests: file contents by their path from the build's directory. */
export const TEST_BUILD = {
  "widget/index.html": `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="availability-bridge" content="" />
    <title>Availability</title>
    <script type="module">
import("./assets/view-Bx1.js");
</script>
    <link rel="stylesheet" href="./assets/view-Cy2.css" />
  </head>
  <body></body>
</html>
`,
  "widget/assets/view-Bx1.js": "export const view = 1;\n",
  "widget/assets/view-Bx1.js.map": "{}",
  "widget/assets/view-Cy2.css": "body { margin: 0 }\n",
  "embed.js": "(() => {})();\n",
  "embed-1.2.3.js": "(() => {})();\n",
  "embed-badge-1a2b3c4d.js": "(() => {})();\n",
} as const;

/** The test build as the gateway holds it in memory. */
export const TEST_FILES: BuiltFiles = {
  widgetHtml: TEST_BUILD["widget/index.html"],
  widgetAssets: new Map([
    [
      "assets/view-Bx1.js",
      testFile(TEST_BUILD["widget/assets/view-Bx1.js"], "text/javascript; charset=utf-8", '"view"'),
    ],
  ]),
  embed: testFile(TEST_BUILD["embed.js"], "text/javascript; charset=utf-8", '"embed"'),
  releases: new Map([
    ["embed-1.2.3.js", testFile(TEST_BUILD["embed-1.2.3.js"], "text/javascript; charset=utf-8", '"release"')],
  ]),
  releaseParts: new Map([
    [
      "embed-badge-1a2b3c4d.js",
      testFile(TEST_BUILD["embed-badge-1a2b3c4d.js"], "text/javascript; charset=utf-8", '"badge"'),
    ],
  ]),
};

/** Writes a build into a new directory, which the caller removes after the test. */
export async function writeBuild(
  build: Readonly<Record<string, string>> = TEST_BUILD,
): Promise<{ readonly directory: string; remove(): Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), "gateway-"));
  const directory = join(parent, "dist");
  for (const [path, content] of Object.entries(build)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return { directory, remove: () => rm(parent, { recursive: true }) };
}

function testFile(text: string, contentType: string, etag: string): BuiltFile {
  return { body: new TextEncoder().encode(text), compressed: {}, contentType, etag };
}
