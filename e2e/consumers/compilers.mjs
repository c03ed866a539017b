// @ts-check
/** Compilers of types, each with pages that use every entry, make mistakes, or write the badge in a template. */
import { readFileSync } from "node:fs";
import { readSource, tool } from "./consumer.mjs";

/** @typedef {import("./consumer.mjs").Consumer} Consumer */

/**
 * One compiler under one resolution, with every check that a page may have switched on.
 *
 * @param {string} version
 * @param {string} folder
 * @param {{ module: string, moduleResolution: string, format?: "module" | "commonjs" }} options
 * @returns {Consumer}
 */
function typescript(version, folder, { module, moduleResolution, format = "commonjs" }) {
  const compilerOptions = {
    module,
    moduleResolution,
    target: "ES2020",
    lib: ["ES2020", "DOM"],
    types: [],
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    // TypeScript 6 reports that this resolution ends.
    ...(version === "6.0" && moduleResolution === "node" && { ignoreDeprecations: "6.0" }),
  };
  // Valibot's declarations, which this entry is made of, need a newer compiler.
  const contracts = ["4.9", "5.0"].includes(version) ? {} : { "contracts.ts": readSource("contracts.ts") };
  const kind = moduleResolution.startsWith("node") && moduleResolution !== "node" ? `, ${format}` : "";
  return {
    name: `TypeScript ${version}, ${moduleResolution}${kind}`,
    folder,
    isFast: version === "4.9" ? moduleResolution === "node" : folder === "typescript7" && moduleResolution !== "node16",
    files: {
      "package.json": JSON.stringify({ type: format }),
      "tsconfig.json": JSON.stringify({ compilerOptions, include: ["*.ts"] }),
      "page.ts": readSource("page.ts"),
      "testing.ts": readSource("testing.ts"),
      ...contracts,
    },
    commands: [[tool(`typescript-${version}/bin/tsc`), "-p", "."]],
  };
}

/**
 * A page's own declaration of the element for JSX.
 *
 * @param {"18" | "19"} version
 * @returns {Consumer}
 */
function tsx(version) {
  const compilerOptions = {
    jsx: "react-jsx",
    module: "esnext",
    moduleResolution: "bundler",
    noEmit: true,
    strict: true,
  };
  return {
    name: `TSX, React ${version}`,
    folder: `react${version}`,
    isFast: true,
    files: {
      "tsconfig.json": JSON.stringify({ compilerOptions, include: ["*.tsx"] }),
      "page.tsx": readSource("page.tsx.txt"),
    },
    commands: [[tool("typescript-7.0/bin/tsc"), "-p", "."]],
  };
}

const checkTypes = readSource("check-types.cjs");

/** The declaration of the element for a page without the package, on the page about the badge. */
const [, ownDeclaration = ""] =
  /```ts\n( *import "react";[^`]*)```/.exec(
    readFileSync(new URL("../../docs/add-the-badge.md", import.meta.url), "utf8"),
  ) ?? [];

/** Options of the compiler for a page that checks the declarations of its packages as well. */
const STRICT = {
  target: "ES2022",
  lib: ["ES2022", "DOM"],
  types: [],
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
};

/**
 * Messages of a compiler and an editor about mistakes and names: the error at its place, the words of a hover.
 *
 * @param {string} version
 * @param {string} moduleResolution
 * @returns {Consumer}
 */
function typeExperience(version, moduleResolution) {
  const module = moduleResolution === "bundler" ? "esnext" : moduleResolution;
  const isFast = ["5.4", "7.0"].includes(version) && moduleResolution === "bundler";
  return {
    name: `TypeScript ${version}, ${moduleResolution}, errors and hovers`,
    folder: version === "7.0" ? "typescript7" : isFast ? "typescript54" : "typescript5",
    isFast,
    files: {
      "package.json": JSON.stringify({ type: "module" }),
      "tsconfig.json": JSON.stringify({ compilerOptions: { ...STRICT, module, moduleResolution }, include: ["*.ts"] }),
      "page.ts": readSource("types/page.ts"),
      "check-types.cjs": checkTypes,
    },
    commands: [["check-types.cjs", `typescript-${version}`]],
  };
}

/**
 * The element in a framework's templates: right attributes, and errors at their places.
 *
 * @param {string} name
 * @param {string} folder
 * @param {string} file
 * @param {{ compiler?: string, jsxImportSource?: string, declaration?: string }} [options] `declaration`: of the page itself
 * @returns {Consumer}
 */
function template(name, folder, file, { compiler = "typescript-7.0", jsxImportSource, declaration = "" } = {}) {
  const compilerOptions = {
    ...STRICT,
    module: "esnext",
    moduleResolution: "bundler",
    jsx: jsxImportSource ? "react-jsx" : "preserve",
    ...(jsxImportSource && { jsxImportSource }),
  };
  const vueCompilerOptions = { strictTemplates: true };
  return {
    name: `${name}, types of the element`,
    folder,
    isFast: folder !== "preact10",
    files: {
      "package.json": JSON.stringify({ type: "module" }),
      "tsconfig.json": JSON.stringify({ compilerOptions, vueCompilerOptions, include: ["*.tsx", "*.vue"] }),
      [file]: declaration + readSource(`types/${file.replace(/\.tsx$/, ".tsx.txt")}`),
      "check-types.cjs": checkTypes,
    },
    commands: [["check-types.cjs", compiler]],
  };
}

/**
 * Every resolution that a version of the compiler has.
 *
 * @param {string} version
 * @param {string} folder
 */
function typescriptMatrix(version, folder) {
  const resolutions = ["node16", "nodenext"].flatMap((name) =>
    /** @type {const} */ (["module", "commonjs"]).map((format) => ({ module: name, moduleResolution: name, format })),
  );
  return [
    ...resolutions,
    ...(version === "7.0" ? [] : [{ module: "es2020", moduleResolution: "node" }]),
    ...(version === "4.9" ? [] : [{ module: "esnext", moduleResolution: "bundler" }]),
  ].map((options) => typescript(version, folder, options));
}

/** @type {readonly Consumer[]} */
export const COMPILERS = [
  tsx("18"),
  tsx("19"),
  template("React 18", "react18", "react.tsx", { jsxImportSource: "react" }),
  template("React 19", "react19", "react.tsx", { jsxImportSource: "react" }),
  template("React 19, declared by the page", "react19", "declared.tsx", {
    jsxImportSource: "react",
    declaration: ownDeclaration,
  }),
  template("Preact 10", "preact10", "preact.tsx", { jsxImportSource: "preact" }),
  template("Preact 11", "preact11", "preact.tsx", { jsxImportSource: "preact" }),
  template("Vue 3", "vue", "Owner.vue", { compiler: "vue-tsc" }),
  ...["5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "6.0", "7.0"].flatMap((version) =>
    ["bundler", "node16", "nodenext"].map((moduleResolution) => typeExperience(version, moduleResolution)),
  ),
  ...typescriptMatrix("4.9", "typescript4"),
  ...["5.0", "5.4", "5.9", "6.0"].flatMap((version) => typescriptMatrix(version, "typescript5")),
  ...typescriptMatrix("7.0", "typescript7"),
];
