// @ts-check
/** Bundles a program of the benchmark into one file with all imports, as the gateway is bundled. */
import path from "node:path";
import { build } from "vite";

const OUT_DIRECTORY = "node_modules/.cache/bench-gateway";

/**
 * @param {string} entry path of the program's module
 * @returns {Promise<string>} path of the file
 */
export async function bundleProgram(entry) {
  await build({
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    ssr: { noExternal: true, target: "node" },
    build: { target: "node20", ssr: entry, outDir: OUT_DIRECTORY, emptyOutDir: false, minify: false },
  });
  return path.resolve(OUT_DIRECTORY, `${path.parse(entry).name}.js`);
}
