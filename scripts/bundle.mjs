// @ts-check
/** Bundles a module and all of its imports in memory, as a customer's bundler would. */
import { build } from "vite";

/**
 * @param {string} entry the module's path
 * @param {{ format?: "es" | "iife", alias?: import("vite").AliasOptions, minify?: boolean, define?: Record<string, string>, external?: readonly string[] }} [options]
 * @returns {Promise<string>} the code
 * @throws {Error} if the bundle is empty
 */
export async function bundle(entry, { format = "es", alias = [], minify = true, define = {}, external = [] } = {}) {
  const result = await build({
    configFile: false,
    logLevel: "error",
    define,
    resolve: { alias },
    build: {
      write: false,
      target: "es2022",
      // As the package's files are: a badge chooses its colours itself.
      cssTarget: "chrome123",
      ...(!minify && { minify }),
      lib: { entry, formats: [format], name: "bundled" },
      rolldownOptions: { external: [...external] },
    },
  });
  const [output] = [result].flat();
  if (!output || !("output" in output)) throw new Error(`The bundle of ${entry} came out empty`);
  return output.output[0].code;
}
