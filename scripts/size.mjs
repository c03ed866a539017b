// @ts-check
/**
 * `npm run size`: compares the gzipped bytes of every entry that a page loads with the entry's budget. Needs a build.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.mjs";

/**
 * Largest size of each entry, gzip -9, in bytes: 5 % above the size when the budget was set. The changelog gives the reason
 * for every raised budget.
 */
const BUDGETS = {
  connector: 11_300,
  "embed.js": 13_360,
  "widget without its view and its live part": 21_070,
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

/** Bundles `import { connect } from "availability-bridge"` as a customer would. */
async function bundleConnector() {
  const entry = "node_modules/.cache/customer.js";
  mkdirSync("node_modules/.cache", { recursive: true });
  writeFileSync(entry, 'export { connect } from "../../dist/index.js";');
  return bundle(entry, { format: "iife" });
}
