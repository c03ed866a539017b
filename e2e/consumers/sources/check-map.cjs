const { existsSync, readdirSync, readFileSync } = require("node:fs");
const { SourceMap } = require("node:module");
const path = require("node:path");

const PACKAGE = "../node_modules/availability-bridge";
/** A text of the package that its sources have once. */
const TEXT = "files and sandboxes need";

const lines = readFileSync("out/page.js", "utf8").split("\n");
const line = lines.findIndex((text) => text.includes(TEXT));
const map = new SourceMap(JSON.parse(readFileSync("out/page.js.map", "utf8")));
const { originalSource = "", originalLine } = map.findEntry(line, lines[line].indexOf(TEXT));
const [, file] = /availability-bridge\/(dist\/.*)$/.exec(originalSource) ?? [];
if (!file) throw new Error(`The map leads to ${originalSource}`);
const original = readFileSync(path.join(PACKAGE, file), "utf8").split("\n")[originalLine] ?? "";
if (!original.includes(TEXT)) throw new Error(`The map leads to line ${originalLine} of ${file}: ${original}`);

for (const entry of readdirSync(PACKAGE, { recursive: true, withFileTypes: true })) {
  const script = path.join(entry.parentPath ?? entry.path, entry.name);
  if (!entry.isFile() || !/\.[cm]?[jt]s$/.test(script)) continue;
  const [, url] = /^\/\/[#@] sourceMappingURL=(.*)$/m.exec(readFileSync(script, "utf8")) ?? [];
  if (url && !existsSync(path.join(path.dirname(script), url)))
    throw new Error(`${script} names ${url}, which is not there`);
}
