// @ts-check
/** Bundlers, each with a page that runs in jsdom. */
import { exercise, readSource, tool } from "./consumer.mjs";

/** @typedef {import("./consumer.mjs").Consumer} Consumer */

/** A page for a bundler. */
const page = `import { connect, defineAvailabilityBadge, isBusError, readAvailability } from "availability-bridge";
${exercise}
window.result = exercise({ connect, defineAvailabilityBadge, isBusError, readAvailability });
`;

/** Runs the bundle `out/page.js` in jsdom, in the page `out/page.html` if the build has made one. */
const runBundle = `const { existsSync, readFileSync } = require("node:fs");
const { JSDOM } = require("jsdom");
const html = existsSync("out/page.html") ? readFileSync("out/page.html", "utf8") : "";
const { window } = new JSDOM("<!doctype html><body>" + html + "</body>", { runScripts: "outside-only", url: "http://localhost/" });
window.eval(readFileSync("out/page.js", "utf8"));
window.result.then(
  (result) => process.exit(result === "passed" ? 0 : 1),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
`;

/**
 * Fails unless the bundle's source map leads to the package's own file, the end of the mapping, and every map named by a file of the
 * package exists.
 */
const checkMap = readSource("check-map.cjs");

/**
 * Adds the check of the source map to a bundler with source maps.
 *
 * @param {Consumer} consumer
 * @returns {Consumer}
 */
function mapped({ files, commands, ...rest }) {
  return { ...rest, files: { ...files, "check-map.cjs": checkMap }, commands: [...commands, ["check-map.cjs"]] };
}

/**
 * @param {string} name
 * @param {string} folder
 * @param {readonly string[]} build arguments of \`node\` that make \`out/page.js\` of \`page.js\`
 * @param {Readonly<Record<string, string>>} [files]
 * @returns {Consumer}
 */
export function bundler(name, folder, build, files = {}) {
  return {
    name,
    folder,
    isFast: folder !== "parcel",
    files: { "page.js": page, "run.cjs": runBundle, ...files },
    commands: [build, ["run.cjs"]],
  };
}

const webpackBuild = `require("webpack")(
  {
    mode: "production",
    entry: "./page.js",
    devtool: "source-map",
    // Node's OpenSSL has no MD4, the own choice of webpack 4.
    output: { path: __dirname + "/out", filename: "page.js", hashFunction: "sha256" },
  },
  (error, stats) => {
    console.error(error || stats.toString("errors-warnings"));
    process.exit(error || stats.hasErrors() || stats.hasWarnings() ? 1 : 0);
  },
);
`;

/** @type {readonly Consumer[]} */
export const BUNDLERS = [
  mapped(bundler("webpack 4", "webpack4", ["build.cjs"], { "build.cjs": webpackBuild })),
  mapped(bundler("webpack 5", "bundlers", ["build.cjs"], { "build.cjs": webpackBuild })),
  mapped(
    bundler("esbuild 0.28", "bundlers", ["build.cjs"], {
      "build.cjs": `require("esbuild").buildSync({ entryPoints: ["page.js"], bundle: true, minify: true, sourcemap: true, format: "iife", outfile: "out/page.js" });`,
    }),
  ),
  bundler("esbuild 0.28, safari15 and es2019", "bundlers", ["build.cjs"], {
    "build.cjs": `require("esbuild").buildSync({ entryPoints: ["page.js"], bundle: true, format: "iife", target: ["safari15", "es2019"], outfile: "out/page.js" });`,
  }),
  mapped(
    bundler("Rollup 4", "bundlers", [tool("rollup/dist/bin/rollup"), "-c"], {
      "rollup.config.mjs": `import resolve from "@rollup/plugin-node-resolve";
export default { input: "page.js", plugins: [resolve()], output: { file: "out/page.js", format: "iife", sourcemap: true } };`,
    }),
  ),
  mapped(
    bundler("Vite 8", "bundlers", [tool("vite/bin/vite.js"), "build"], {
      "vite.config.mjs": `export default { build: { outDir: "out", sourcemap: true, lib: { entry: "page.js", formats: ["iife"], name: "page", fileName: () => "page.js" } } };`,
    }),
  ),
  mapped(
    bundler(
      "Parcel 2",
      "parcel",
      [tool("parcel/lib/bin.js"), "build", "page.js", "--dist-dir", "out", "--no-autoinstall"],
      { "package.json": JSON.stringify({ browserslist: "chrome 92" }) },
    ),
  ),
];
