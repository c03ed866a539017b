// @ts-check
/** The scripts of the benchmark's pages, ready to stand inline. */
import { fileURLToPath } from "node:url";
import { bundle as bundleModule } from "../../scripts/bundle.mjs";

/** What is measured is the package as it is shipped: its source stands in the imports only for the type checker. */
const SHIPPED = {
  find: /^.*\/host\/index\.ts$/,
  replacement: fileURLToPath(new URL("../../dist/index.js", import.meta.url)),
};

/**
 * @param {string} entry
 * @param {readonly import("vite").Alias[]} [alias] what stands in place of further imports
 * @returns {Promise<string>}
 */
export async function bundle(entry, alias = []) {
  const code = await bundleModule(entry, { alias: [...alias, SHIPPED] });
  return code.replaceAll("</script", "<\\/script");
}

/**
 * A document with nothing but a script in it.
 *
 * @param {string} script
 */
export function pageOf(script) {
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script type="module">${script}</script>`;
}
