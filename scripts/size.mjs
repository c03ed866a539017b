// @ts-check
/** `npm run size`: what reaches a page, in gzipped bytes, against a budget for each entry. Needs a build. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.mjs";

/** Maximum size of each entry, gzip -9, in bytes: 5 % above the size when the budget was set. A budget is raised only with its reason in the changelog. */
const BUDGETS = {
  connector: 7_450,
  "embed.js": 9_000,
  "widget without its view and its live part": 19_500,
};

const sizes = {
  connector: measure(await bundleConnector()),
  "embed.js": measure(readFileSync("dist/embed.js", "utf8")),
  "widget without its view and its live part": measure(readFileSync("gateway/dist/widget/index.html", "utf8")),
};

for (const [name, budget] of Object.entries(BUDGETS)) {
  const size = sizes[/** @type {keyof typeof BUDGETS} */ (name)];
  const verdict = size <= budget ? "ok" : `over by ${size - budget}`;
  console.log(`${name.padEnd(42)} ${String(size).padStart(6)} of ${String(budget).padStart(6)} bytes  ${verdict}`);
  if (size > budget) process.exitCode = 1;
}

/** @param {string} code */
function measure(code) {
  return gzipSync(code, { level: 9 }).length;
}

/** What a customer's bundler makes of `import { connect } from "availability-bridge"`. */
async function bundleConnector() {
  const entry = "node_modules/.cache/customer.js";
  mkdirSync("node_modules/.cache", { recursive: true });
  writeFileSync(entry, 'export { connect } from "../../dist/index.js";');
  return bundle(entry, { format: "iife" });
}
