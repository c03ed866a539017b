// @ts-check
/** Bundles the scripts of the benchmark's pages for inline use. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundle as bundleModule } from "../../scripts/bundle.mjs";

/** The checkout whose build is measured, unless another one is named. */
const PRESENT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @param {string} entry
 * @param {readonly import("vite").Alias[]} [alias] replacements of further imports
 * @param {string} [checkout] the built checkout whose package is measured
 * @returns {Promise<string>}
 */
export async function bundle(entry, alias = [], checkout = PRESENT) {
  // The built package is the measured code. Pages import the source only for the type checker.
  const shipped = { find: /^.*\/host\/index\.ts$/, replacement: path.resolve(checkout, "dist/index.js") };
  const code = await bundleModule(entry, { alias: [...alias, shipped] });
  return code.replaceAll("</script", "<\\/script");
}

/**
 * Creates a document that contains only a script.
 *
 * @param {string} script
 */
export function pageOf(script) {
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script type="module">${script}</script>`;
}
