// @ts-check
/**
 * `npm run size [-- --record]`: compares the gzipped bytes of every entry that a page loads with the entry's budget. Needs
 * a build. `--record` writes the table into `docs/benchmarks.md`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { ENTRIES, NAMES, toRows } from "./benchmarks/sizes.mjs";
import { recordTable } from "./benchmarks/table.mjs";
import { bundle } from "./bundle.mjs";

const { values: options } = parseArgs({ options: { record: { type: "boolean", default: false } } });

const CONNECTOR = 'export { connect } from "../../dist/index.js";\n';
const BADGE = 'export { defineAvailabilityBadge } from "../../dist/badge.js";\n';
const HOOKS =
  'export { BridgeProvider, useAvailability, useConnectionState, useConnector } from "../../dist/react.js";\n';
const COMPOSABLES =
  'export { createBridge, useAvailability, useConnectionState, useConnector } from "../../dist/vue.js";\n';

const connector = await measureExports(CONNECTOR);
const connectorAndBadge = await measureExports(CONNECTOR + BADGE);

/** @type {import("./benchmarks/sizes.mjs").Sizes} */
const sizes = {
  connector,
  // Without the badge over the connector, and with it over connector and badge.
  "hooks for React": (await measureExports(CONNECTOR + HOOKS)) - connector,
  "components and hooks for React":
    (await measureExports(`${CONNECTOR}${BADGE}export * from "../../dist/react.js";`)) - connectorAndBadge,
  "composables for Vue": (await measureExports(CONNECTOR + COMPOSABLES)) - connector,
  "component and composables for Vue":
    (await measureExports(`${CONNECTOR}${BADGE}export * from "../../dist/vue.js";`)) - connectorAndBadge,
  "embed.js": measure(readFileSync("dist/embed.js", "utf8")),
  "badge of embed.js": measure(readPart("dist", "embed-badge")),
  "badges with extras": measure(readPart("dist", "embed-extras")),
  "developer's tools of embed.js": measure(readPart("dist", "embed-inspector")),
  "doctor of embed.js": measure(readPart("dist", "embed-doctor")),
  // Each page has it inline, where compression depends on what is around it.
  "fast snippet, not compressed": readFileSync("dist/fast-snippet.js").length,
  "widget without its view and its live part": measure(readFileSync("gateway/dist/widget/index.html", "utf8")),
  // With English. Another language is a file of its own.
  "view of a visible widget": measure(readPart("gateway/dist/widget/assets", "panel")),
};

for (const name of NAMES) {
  const size = sizes[name];
  const { budget } = ENTRIES[name];
  const verdict = size <= budget ? "ok" : `over by ${size - budget}`;
  console.log(`${name.padEnd(42)} ${String(size).padStart(6)} of ${String(budget).padStart(6)} bytes  ${verdict}`);
  if (size > budget) process.exitCode = 1;
}
if (options.record) recordTable("sizes", toRows(sizes));

/**
 * Reads a file that the build names by its content.
 *
 * @param {string} folder
 * @param {string} start of the file's name
 */
function readPart(folder, start) {
  const pattern = new RegExp(`^${start}-[\\w-]{8}\\.js$`);
  return readFileSync(`${folder}/${readdirSync(folder).find((file) => pattern.test(file))}`, "utf8");
}

/** @param {string} code */
function measure(code) {
  return gzipSync(code, { level: 9 }).length;
}

/**
 * Measures what a customer's bundler makes of exports of the package, without React and Vue.
 *
 * @param {string} code
 */
async function measureExports(code) {
  const entry = "node_modules/.cache/customer.js";
  mkdirSync("node_modules/.cache", { recursive: true });
  writeFileSync(entry, code);
  return measure(await bundle(entry, { format: "iife", external: ["react", "vue"] }));
}
