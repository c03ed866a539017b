// @ts-check
/** Bundles a script of a benchmark's page as a site would: minified, in one piece. */
import { build } from "vite";

/**
 * @param {string} entry
 * @returns {Promise<string>}
 */
export async function bundle(entry) {
  const result = await build({
    configFile: false,
    logLevel: "error",
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
