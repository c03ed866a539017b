// @ts-check
/** Bundles a script of a benchmark's page as a site would: minified, in one piece. */
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** What is measured is the package as it is shipped: its source stands in the imports only for the type checker. */
const SHIPPED = {
  find: /^.*\/host\/index\.ts$/,
  replacement: fileURLToPath(new URL("../dist/index.js", import.meta.url)),
};

/**
 * @param {string} entry
 * @returns {Promise<string>}
 */
export async function bundle(entry) {
  const result = await build({
    configFile: false,
    logLevel: "error",
    resolve: { alias: [SHIPPED] },
    build: { write: false, target: "es2022", lib: { entry, formats: ["es"] } },
  });
  const [output] = [result].flat();
  if (!output || !("output" in output)) throw new Error(`The bundle of ${entry} came out empty`);
  return output.output[0].code.replaceAll("</script", "<\\/script");
}

/**
 * A document with nothing but a script in it.
 *
 * @param {string} script
 */
export function pageOf(script) {
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script type="module">${script}</script>`;
}
