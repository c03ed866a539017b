// @ts-check
/**
 * `npm run build`: both packages. `dist/` is availability-bridge and the demo page. `gateway/dist/` is
 * availability-gateway: its program, the widget and script that the gateway serves, and the documentation.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, runnerImport } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

for (const directory of ["dist", "gateway/dist"]) rmSync(directory, { recursive: true, force: true });
for (const mode of ["package", "embed", "widget", "demo", "gateway"]) await build({ mode });
nameRelease();
copyDocumentation();
writeTypes();
await writeContractSchema();

/**
 * Copies the loader script to a file name with the release's version, for pages that pin the script by its hash. The
 * copy stays in the same folder, because the script finds the widget relative to its own address.
 */
function nameRelease() {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const file = `embed-${version}.js`;
  const integrity = `sha384-${createHash("sha384").update(readFileSync("dist/embed.js")).digest("base64")}`;
  copyFileSync("dist/embed.js", path.join("dist", file));
  writeFileSync("dist/embed.integrity.json", `${JSON.stringify({ file, integrity }, null, 2)}\n`);
  for (const name of ["embed.js", file, "embed.integrity.json"]) {
    copyFileSync(path.join("dist", name), path.join("gateway/dist", name));
  }
  console.log(`${file} ${integrity}`);
}

/** Copies the documentation beside the gateway's program: an operator who installs the package has no repository. */
function copyDocumentation() {
  mkdirSync("gateway/dist/docs");
  for (const name of readdirSync("docs")) {
    if (name.endsWith(".md")) copyFileSync(path.join("docs", name), path.join("gateway/dist/docs", name));
  }
}

/**
 * Copies the type checker's declarations into the package. The widget and the gateway are not for import and have no
 * declarations there.
 */
function writeTypes() {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b", "host"], { stdio: "inherit" });
  for (const folder of ["shared", "host"]) {
    cpSync(`node_modules/.cache/types/${folder}`, `dist/types/${folder}`, {
      recursive: true,
      filter: (file) => !file.endsWith(".tsbuildinfo") && !/\bdemo\b/.test(path.relative(root, file)),
    });
  }
  for (const file of readdirSync("dist/types", { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".d.ts")) writeForConsumers(path.join("dist/types", file));
  }
}

/**
 * Renames `.ts` imports to `.js`: sources import by file name, but a consumer's compiler looks for the JavaScript file.
 *
 * @param {string} file
 */
function writeForConsumers(file) {
  writeFileSync(file, readFileSync(file, "utf8").replaceAll(/(from "\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
}

/** Writes the contract as JSON Schema, for programs in other languages. */
async function writeContractSchema() {
  /** @type {{ module: typeof import("./reference/json-schema.ts") }} */
  const { module } = await runnerImport("./scripts/reference/json-schema.ts", { configFile: false, logLevel: "warn" });
  writeFileSync("dist/contract.schema.json", `${JSON.stringify(module.createContractSchema(), null, 2)}\n`);
}
