// @ts-check
/**
 * `npm run build`: both packages. `dist/` is availability-bridge and the demo page. `gateway/dist/` is
 * availability-gateway: its program, the widget and script that the gateway serves, and the documentation.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, runnerImport } from "vite";
import { bundle } from "./bundle.mjs";
import { rewriteLinks } from "./package-pages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

/** An import of a source file, with its path but for the extension. */
const SOURCE_IMPORT = /(?:from |import\()"(\.{1,2}\/[^"]+)\.ts"/g;

// Without it the first import of a source puts the process into development, and the builds after it: lit-html has other code there.
process.env["NODE_ENV"] = "production";

/** @type {typeof import("../shared/languages/language.ts")} */
const { LANGUAGES } = await importSource("./shared/languages/language.ts");

/** Languages of the badge that are files of their own. English, the first one, is in the badge. */
const OTHER_LANGUAGES = LANGUAGES.slice(1);

for (const directory of ["dist", "gateway/dist"]) rmSync(directory, { recursive: true, force: true });
for (const mode of ["package", "package-commonjs"]) await build({ mode });
await build({ mode: "embed-extras", define: await writeLanguages() });
await build({ mode: "embed-badge", define: nameFile("embed-extras", "EXTRAS") });
await build({ mode: "embed-doctor" });
await build({ mode: "embed-inspector", define: nameFile("embed-doctor", "DOCTOR") });
await build({
  mode: "embed",
  define: { ...nameFile("embed-badge", "BADGE"), ...nameFile("embed-inspector", "INSPECTOR") },
});
await build({
  mode: "cli",
  define: { DOCTOR_PAGE: JSON.stringify(await bundle("host/doctor.ts", { format: "iife" })) },
});
for (const mode of ["fast-snippet", "widget", "demo", "gateway"]) await build({ mode });
// As npm does with an installed program, for the one in this repository.
chmodSync("dist/cli.js", 0o755);
nameRelease();
hashSnippet();
await compressServedFiles();
copyDocumentation();
writeTypes();
await writeContractFiles();

/**
 * Writes a file of texts for each language of the badge but English, which is in the badge's file.
 *
 * @returns the hash of each file, for the build of the badge to replace `LANGUAGE_FILES` by.
 */
async function writeLanguages() {
  const hashes = [];
  mkdirSync("dist", { recursive: true });
  for (const language of OTHER_LANGUAGES) {
    const { [language]: texts } = await importSource(`./shared/languages/${language}.ts`);
    const code = `customElements.get("availability-badge").addTexts(${JSON.stringify(language)},${JSON.stringify(texts)});\n`;
    writeFileSync("dist/embed-language.js", code);
    const hash = createHash("sha256").update(code).digest("base64");
    // The badge's file, which has the hash, makes the name in the same way.
    nameByContent("embed-language.js", `embed-language-${language}-${hash.replace(/\W/g, "").slice(0, 8)}.js`);
    hashes.push(`${language}${hash}`);
  }
  return { LANGUAGE_FILES: JSON.stringify(` ${hashes.join(" ")}`) };
}

/**
 * Names a file by its content, for the build of what loads it to replace the name and the integrity by.
 *
 * @param {string} name without its extension
 * @param {string} constant what both begin with there
 */
function nameFile(name, constant) {
  const hash = createHash("sha256")
    .update(readFileSync(`dist/${name}.js`))
    .digest();
  const file = `${name}-${hash.toString("hex").slice(0, 8)}.js`;
  nameByContent(`${name}.js`, file);
  return {
    [`${constant}_FILE`]: JSON.stringify(file),
    [`${constant}_INTEGRITY`]: JSON.stringify(`sha256-${hash.toString("base64")}`),
  };
}

/**
 * Gives a file of `dist` a name by the content, so that scripts of several releases share a folder, each with files of its own.
 *
 * @param {string} name
 * @param {string} newName
 */
function nameByContent(name, newName) {
  mkdirSync("gateway/dist", { recursive: true });
  renameSync(path.join("dist", name), path.join("dist", newName));
  copyFileSync(path.join("dist", newName), path.join("gateway/dist", newName));
}

/**
 * Copies the loader script to a file name with the release's version, for pages that pin the script by its hash. The
 * copy stays in the same folder, because the script finds the widget relative to its own address. A page whose policy has hashes and
 * not the widget's origin needs those of the badge's files and of the languages as well.
 */
function nameRelease() {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const file = `embed-${version}.js`;
  const integrity = hashFile("sha384", "embed.js");
  /** @param {string} name */
  const describe = (name) => {
    const pattern = new RegExp(`^embed-${name}-\\w{8}\\.js$`);
    const found = readdirSync("dist").find((each) => pattern.test(each)) ?? "";
    return { file: found, integrity: hashFile("sha256", found) };
  };
  const texts = OTHER_LANGUAGES.map((language) => [language, describe(`language-${language}`)]);
  const [badge, extras, inspector] = [describe("badge"), describe("extras"), describe("inspector")];
  const doctor = describe("doctor");
  const hashes = { file, integrity, badge, extras, inspector, doctor, languages: Object.fromEntries(texts) };
  copyFileSync("dist/embed.js", path.join("dist", file));
  writeFileSync("dist/embed.integrity.json", `${JSON.stringify(hashes, null, 2)}\n`);
  for (const name of ["embed.js", file, "embed.integrity.json"]) {
    copyFileSync(path.join("dist", name), path.join("gateway/dist", name));
  }
  console.log(`${file} ${integrity}`);
}

/**
 * Imports a module of the sources.
 *
 * @param {string} file
 */
async function importSource(file) {
  const { module } = await runnerImport(file, { configFile: false, logLevel: "warn" });
  return module;
}

/**
 * Writes brotli and gzip files beside each script and style served by the gateway, so that the gateway need not
 * compress at the start. The gateway compresses the widget's document, since each customer's settings differ.
 */
async function compressServedFiles() {
  /** @type {typeof import("../gateway/assets/compression.ts")} */
  const { COMPRESSED_EXTENSIONS, compress } = await importSource("./gateway/assets/compression.ts");
  const names = [
    ...readdirSync("gateway/dist").filter((name) => /^embed\b.*\.js$/.test(name)),
    ...readdirSync("gateway/dist/widget/assets").map((name) => path.join("widget/assets", name)),
  ];
  for (const name of names) {
    const file = path.join("gateway/dist", name);
    const content = readFileSync(file);
    for (const compression of /** @type {const} */ (["br", "gzip"])) {
      writeFileSync(file + COMPRESSED_EXTENSIONS[compression], await compress(content, compression));
    }
  }
}

/**
 * Writes the fast snippet so that it means nothing to a template engine, and its hash for a page's Content-Security-Policy, which counts each
 * character between the tags.
 */
function hashSnippet() {
  const file = "fast-snippet.js";
  const minified = readFileSync(path.join("dist", file), "utf8").trim();
  if (/["\\$<]/.test(minified)) throw new Error(`${file}: expected no character that HTML, quotes or templates change`);
  const code = minified.replaceAll("`", '"').replaceAll(/\{(?=[a-z])/gi, "{ ");
  const integrity = `sha256-${createHash("sha256").update(code).digest("base64")}`;
  writeFileSync(path.join("dist", file), code);
  writeFileSync("dist/fast-snippet.integrity.json", `${JSON.stringify({ file, integrity }, null, 2)}\n`);
  for (const name of [file, "fast-snippet.integrity.json"]) {
    copyFileSync(path.join("dist", name), path.join("gateway/dist", name));
  }
  console.log(`${file} ${integrity}`);
}

/** Copies the documentation beside the gateway's program: an operator who installs the package has no repository. */
function copyDocumentation() {
  mkdirSync("gateway/dist/docs");
  for (const name of readdirSync("docs")) {
    if (!name.endsWith(".md")) continue;
    writeFileSync(path.join("gateway/dist/docs", name), rewriteLinks(readFileSync(path.join("docs", name), "utf8")));
  }
}

/**
 * Copies the declarations of the package's entries, and of all that these import, into the package: once for `import`, and once into the
 * folder for `require`, because a compiler takes the format of a declaration from the `package.json` that is nearest.
 */
function writeTypes() {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b", "host"], { stdio: "inherit" });
  const types = "node_modules/.cache/types";
  const files = new Set([
    "host/index.d.ts",
    "host/badge.d.ts",
    "host/doctor.d.ts",
    "host/inspector.d.ts",
    "shared/contracts/index.d.ts",
    ...OTHER_LANGUAGES.map((language) => `shared/languages/${language}.d.ts`),
  ]);
  // A set's iterator also visits what is added during the loop.
  for (const file of files) {
    const declarations = readFileSync(path.join(types, file), "utf8");
    for (const [, imported = ""] of declarations.matchAll(SOURCE_IMPORT)) {
      files.add(path.posix.join(path.posix.dirname(file), `${imported}.d.ts`));
    }
    for (const folder of ["dist/types", "dist/cjs/types"]) {
      const copy = path.join(folder, file);
      mkdirSync(path.dirname(copy), { recursive: true });
      // Sources import by file name, but a consumer's compiler looks for the JavaScript file.
      writeFileSync(
        copy,
        declarations.replaceAll(SOURCE_IMPORT, (text) => text.replace(/\.ts"$/, '.js"')),
      );
    }
  }
  writeFileSync("dist/cjs/package.json", '{ "type": "commonjs" }\n');
}

/**
 * Returns a built file's hash, as the attribute `integrity` and a policy have it.
 *
 * @param {string} algorithm
 * @param {string} name
 */
function hashFile(algorithm, name) {
  const hash = createHash(algorithm).update(readFileSync(path.join("dist", name)));
  return `${algorithm}-${hash.digest("base64")}`;
}

/** Writes the contract as JSON Schema and as AsyncAPI, and the golden vectors, for programs in other languages. */
async function writeContractFiles() {
  /** @type {typeof import("./reference/json-schema.ts")} */
  const { createContractSchema } = await importSource("./scripts/reference/json-schema.ts");
  /** @type {typeof import("./reference/asyncapi.ts")} */
  const { createAsyncApiDocument } = await importSource("./scripts/reference/asyncapi.ts");
  /** @type {typeof import("./reference/json-text.ts")} */
  const { toJsonText } = await importSource("./scripts/reference/json-text.ts");
  writeFileSync("dist/contract.schema.json", `${JSON.stringify(createContractSchema(), null, 2)}\n`);
  writeFileSync("dist/contract.asyncapi.json", `${toJsonText(createAsyncApiDocument())}\n`);
  const files = readdirSync("shared/vectors")
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({ file, ...JSON.parse(readFileSync(path.join("shared/vectors", file), "utf8")) }));
  writeFileSync("dist/vectors.json", `${JSON.stringify({ files })}\n`);
}
