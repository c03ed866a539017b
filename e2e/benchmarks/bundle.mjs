// @ts-check
/** Bundles the scripts of the benchmark's pages for inline use. */
import { fileURLToPath } from "node:url";
import { bundle as bundleModule } from "../../scripts/bundle.mjs";

/**
 * Replaces source imports by the built package, which is the measured code. Pages import the source only for the type
 * checker.
 */
const SHIPPED = {
  find: /^.*\/host\/index\.ts$/,
  replacement: fileURLToPath(new URL("../../dist/index.js", import.meta.url)),
};

/**
 * @param {string} entry
 * @param {readonly import("vite").Alias[]} [alias] replacements of further imports
 * @returns {Promise<string>}
 */
export async function bundle(entry, alias = []) {
  const code = await bundleModule(entry, { alias: [...alias, SHIPPED] });
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
