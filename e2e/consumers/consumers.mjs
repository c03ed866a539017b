// @ts-check
/** Tool chains of pages, in the tried versions, each with a smallest consumer of the packed package. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describeAngularWorkspace, FRAMEWORK_PACKAGES, FRAMEWORK_PAGES } from "./frameworks.mjs";

/**
 * @typedef {object} Consumer
 * @property {string} name tool and version, as in the table of results
 * @property {string} folder folder, shared by all consumers of its packages
 * @property {Readonly<Record<string, string>>} files text of the consumer's files, by path in the consumer's own folder
 * @property {readonly (readonly string[])[]} commands arguments of `node`; each must end with exit code 0
 * @property {boolean} isFast true for the consumers of CI: the oldest and the newest of each kind, installed and run within a minute
 * @property {boolean} [isFramework] true for the pages of frameworks, which have a command of their own
 */

const react = { esbuild: "0.28.2", jsdom: "26.1.0", "typescript-7.0": "npm:typescript@7.0.2" };

/**
 * Packages of each folder, in exact versions. The package itself is added.
 *
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
export const PACKAGES = {
  jest29: { jest: "29.7.0", "jest-environment-jsdom": "29.7.0" },
  jest30: { jest: "30.5.2", "jest-environment-jsdom": "30.5.2", "@happy-dom/jest-environment": "20.14.5" },
  vitest: {
    vitest: "4.1.12",
    vite: "8.3.8",
    jsdom: "26.1.0",
    "happy-dom": "20.14.6",
    "@testing-library/dom": "10.4.2",
  },
  bundlers: {
    vite: "8.3.8",
    esbuild: "0.28.2",
    rollup: "4.68.8",
    "@rollup/plugin-node-resolve": "16.0.3",
    webpack: "5.113.0",
    vue: "3.5.45",
    svelte: "5.57.3",
    jsdom: "26.1.0",
  },
  webpack4: { webpack: "4.47.0", jsdom: "26.1.0" },
  parcel: { parcel: "2.16.4", jsdom: "26.1.0" },
  next: {
    next: "16.4.6",
    react: "19.2.9",
    "react-dom": "19.2.9",
    "@types/node": "20.19.43",
    "@types/react": "19.2.9",
    typescript: "5.9.3",
  },
  angular: {
    ...Object.fromEntries(
      ["common", "compiler", "compiler-cli", "core", "platform-browser"].map((name) => [`@angular/${name}`, "20.3.35"]),
    ),
    "@angular/build": "20.3.41",
    "@angular/cli": "20.3.41",
    rxjs: "7.8.2",
    tslib: "2.8.1",
    typescript: "5.9.3",
    "zone.js": "0.15.1",
  },
  preact10: { "typescript-7.0": "npm:typescript@7.0.2", preact: "10.29.8" },
  preact11: { "typescript-7.0": "npm:typescript@7.0.2", preact: "11.2.0" },
  vue: { "vue-tsc": "3.3.14", typescript: "5.9.3", vue: "3.5.45" },
  react18: { ...react, react: "18.3.1", "react-dom": "18.3.1", "@types/react": "18.3.32" },
  react19: { ...react, react: "19.2.9", "react-dom": "19.2.9", "@types/react": "19.2.9" },
  older: { react: "17.0.2", vue: "2.7.16" },
  typescript4: { "typescript-4.9": "npm:typescript@4.9.5" },
  typescript5: {
    "typescript-5.0": "npm:typescript@5.0.4",
    "typescript-5.4": "npm:typescript@5.4.5",
    "typescript-5.5": "npm:typescript@5.5.4",
    "typescript-5.6": "npm:typescript@5.6.3",
    "typescript-5.7": "npm:typescript@5.7.3",
    "typescript-5.8": "npm:typescript@5.8.3",
    "typescript-5.9": "npm:typescript@5.9.3",
    "typescript-6.0": "npm:typescript@6.0.3",
  },
  typescript54: { "typescript-5.4": "npm:typescript@5.4.5" },
  typescript7: { "typescript-7.0": "npm:typescript@7.0.2" },
  ...FRAMEWORK_PACKAGES,
};

const exercise = readSource("exercise.js").replace("export ", "");
const exerciseTesting = readSource("exercise-testing.js").replace("export ", "");

/** @param {string} name */
function readSource(name) {
  return readFileSync(new URL(`sources/${name}`, import.meta.url), "utf8");
}

/**
 * A test by a test runner: `import` or `require`, and the exercise.
 *
 * @param {"import" | "require"} syntax
 */
function writeTest(syntax) {
  const load =
    syntax === "import"
      ? 'import * as bridge from "availability-bridge";'
      : 'const bridge = require("availability-bridge");';
  return `${load}\n${exercise}\ntest("the package works", async () => expect(await exercise(bridge)).toBe("passed"));\n`;
}

/**
 * A test of the test kit by a test runner. Its errors are those of the main entry.
 *
 * @param {"import" | "require"} syntax
 */
function writeKitTest(syntax) {
  const names = { bridge: "availability-bridge", kit: "availability-bridge/testing" };
  const load = Object.entries(names).map(([name, entry]) =>
    syntax === "import" ? `import * as ${name} from "${entry}";` : `const ${name} = require("${entry}");`,
  );
  return `${load.join("\n")}\n${exerciseTesting}\ntest("the test kit works", async () => expect(await exerciseTesting({ ...bridge, ...kit })).toBe("passed"));\n`;
}

/**
 * The examples of the page about tests, by the name in the first line of each.
 *
 * @param {readonly string[]} names
 * @returns {Readonly<Record<string, string>>}
 * @throws {Error} if the page lacks an example.
 */
function testingExamples(...names) {
  const page = readFileSync(new URL("../../docs/test-your-integration.md", import.meta.url), "utf8");
  const examples = new Map(
    Array.from(page.matchAll(/^```js\n\/\/ (\S+)\n(.*?)^```/gms), ([, name = "", code = ""]) => [name, code]),
  );
  return Object.fromEntries(
    names.map((name) => {
      const code = examples.get(name);
      if (code === undefined) throw new Error(`docs/test-your-integration.md has no example ${name}`);
      return [name, code];
    }),
  );
}

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
function bundler(name, folder, build, files = {}) {
  return {
    name,
    folder,
    isFast: folder !== "parcel",
    files: { "page.js": page, "run.cjs": runBundle, ...files },
    commands: [build, ["run.cjs"]],
  };
}

/** @param {string} file */
function tool(file) {
  return `../node_modules/${file}`;
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

/**
 * @param {string} runner
 * @param {string} folder
 * @param {string} environment
 * @param {"import" | "require"} syntax
 * @returns {Consumer}
 */
function jest(runner, folder, environment, syntax) {
  return {
    name: `${runner}, ${environment}, ${syntax}`,
    folder,
    isFast: folder === "jest29" && syntax === "require",
    files: {
      "package.json": JSON.stringify({
        type: syntax === "import" ? "module" : "commonjs",
        jest: { testEnvironment: environment, transform: {} },
      }),
      "page.test.js": writeTest(syntax),
      "kit.test.js": writeKitTest(syntax),
      ...(syntax === "require" && testingExamples("contact.test.js")),
    },
    // Without this option of Node, jest reads no `import`. Two runs: happy-dom logs a frame's aborted load after the test of a page, for which
    // jest fails a run with further tests.
    commands: ["page.test.js", "kit.test.js|contact.test.js"].map((files) => [
      "--experimental-vm-modules",
      tool("jest/bin/jest.js"),
      "--no-cache",
      files,
    ]),
  };
}

/**
 * @param {string} environment
 * @returns {Consumer}
 */
function vitest(environment) {
  return {
    name: `vitest 4, ${environment}`,
    folder: "vitest",
    isFast: true,
    files: {
      "vitest.config.mjs": `export default { test: { globals: true, environment: "${environment}" } };`,
      "page.test.js": writeTest("import"),
      "kit.test.js": writeKitTest("import"),
      ...testingExamples(
        "call-button.js",
        "call-button.test.js",
        "connected-page.js",
        "connected-page.test.js",
        "badge.test.js",
      ),
    },
    commands: [[tool("vitest/vitest.mjs"), "run"]],
  };
}

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
 * What a compiler and an editor say of mistakes and of names: the error at its place, the words of a hover.
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

/** How each framework renders on the server, as a function `render`, and hydrates in the page. */
const FRAMEWORKS = {
  react: {
    "app.js": readSource("react.js"),
    "server.js": `import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { App } from "./app.js";
export const render = () => renderToString(createElement(App));`,
    "page.js": `import { createElement } from "react";
import { hydrateRoot } from "react-dom/client";
import { App } from "./app.js";
import { exerciseHydration } from "./hydration.js";
window.result = exerciseHydration(
  (onRecoverableError) =>
    new Promise((onMounted) => {
      hydrateRoot(document.getElementById("root"), createElement(App, { onMounted }), { onRecoverableError });
    }),
);`,
  },
  vue: {
    "app.js": readSource("vue.js"),
    "server.js": `import { createSSRApp } from "vue";
import { renderToString } from "vue/server-renderer";
import { App } from "./app.js";
export const render = () => renderToString(createSSRApp(App));`,
    "page.js": `import { createSSRApp, nextTick } from "vue";
import { App } from "./app.js";
import { exerciseHydration } from "./hydration.js";
window.result = exerciseHydration(() => {
  createSSRApp(App).mount("#root");
  return nextTick();
});`,
  },
  svelte: {
    "App.svelte": readSource("App.svelte"),
    "server.js": `import { render as renderApp } from "svelte/server";
import App from "./App.svelte";
export const render = () => renderApp(App).body;`,
    "page.js": `import { hydrate, tick } from "svelte";
import App from "./App.svelte";
import { exerciseHydration } from "./hydration.js";
window.result = exerciseHydration(() => {
  hydrate(App, { target: document.getElementById("root") });
  return tick();
});`,
  },
};

/** Renders the page by the framework's build of the given mode, and bundles it. */
const buildHydration = `import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
const svelte = (generate) => ({
  name: "svelte",
  setup({ onLoad }) {
    onLoad({ filter: /\\.svelte$/ }, async ({ path }) => {
      const { compile } = await import("svelte/compiler");
      return { contents: compile(readFileSync(path, "utf8"), { generate, dev: generate === "client", filename: path }).js.code };
    });
  },
});
const options = { bundle: true, define: { "process.env.NODE_ENV": JSON.stringify(process.argv[2]), __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "true" } };
await build({ ...options, entryPoints: ["server.js"], platform: "node", format: "cjs", outfile: "out/server.cjs", plugins: [svelte("server")] });
await build({ ...options, entryPoints: ["page.js"], format: "iife", conditions: ["browser", process.argv[2]], outfile: "out/page.js", plugins: [svelte("client")] });
const { render } = (await import("./out/server.cjs")).default;
writeFileSync("out/page.html", '<div id="root">' + (await render()) + "</div>");
`;

/**
 * @param {string} name
 * @param {string} folder
 * @param {keyof typeof FRAMEWORKS} framework
 * @param {"development" | "production"} [mode] the development builds complain of the most
 * @returns {Consumer}
 */
function hydration(name, folder, framework, mode = "development") {
  const files = { ...FRAMEWORKS[framework], "hydration.js": readSource("hydration.js"), "build.mjs": buildHydration };
  return bundler(`${name}, hydration, ${mode}`, folder, ["build.mjs", mode], files);
}

const openPage = [fileURLToPath(new URL("open-page.mjs", import.meta.url)), "out"];

/**
 * The tools of whole applications, whose pages run in a browser against a gateway. Both are installed and built for a minute.
 *
 * @type {readonly Consumer[]}
 */
const APPLICATIONS = [
  {
    name: "Next.js 16, app router, static export",
    folder: "next",
    isFast: false,
    files: {
      "package.json": '{ "private": true }',
      // The packages are in the folder above.
      "next.config.mjs": `import { fileURLToPath } from "node:url";
export default { output: "export", distDir: "out", turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) } };`,
      ...Object.fromEntries(
        ["layout.jsx", "page.jsx", "agent.jsx"].map((name) => [`app/${name}`, readSource(`next/${name}`)]),
      ),
    },
    commands: [[tool("next/dist/bin/next"), "build"], openPage],
  },
  {
    name: "Angular 20, Angular CLI",
    folder: "angular",
    isFast: false,
    files: {
      ...describeAngularWorkspace("main.ts"),
      "main.ts": readSource("angular.ts"),
    },
    commands: [[tool("@angular/cli/bin/ng.js"), "build"], openPage],
  },
];

const serverChecks = `if (typeof bridge.connect !== "function") throw new Error("no connect");
if (bridge.readAvailability({ status: "available" }).state !== "available") throw new Error("no reading");
if (!contracts.contract["BUS.PING"].idempotent || typeof badge.defineAvailabilityBadge !== "function") throw new Error("no entries");
badge.defineAvailabilityBadge({});
if (typeof playwright.routeFakeWidget !== "function") throw new Error("no fake widget");
const connector = testing.createTestConnector({ availabilities: { 123: "available" } });
connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }).then(({ status }) => {
  connector.destroy();
  process.exit(status === "available" ? 0 : 1);
});
`;
const names = {
  bridge: "availability-bridge",
  badge: "availability-bridge/badge",
  contracts: "availability-bridge/contracts",
  testing: "availability-bridge/testing",
  playwright: "availability-bridge/testing/playwright",
};

/** @type {readonly Consumer[]} */
export const CONSUMERS = [
  {
    name: "Node, require and import",
    folder: "typescript7",
    isFast: true,
    files: {
      "page.cjs":
        Object.entries(names)
          .map(([name, entry]) => `const ${name} = require("${entry}");\n`)
          .join("") + serverChecks,
      "page.mjs":
        Object.entries(names)
          .map(([name, entry]) => `import * as ${name} from "${entry}";\n`)
          .join("") + serverChecks,
      "main.cjs": `require("../node_modules/availability-bridge/" + require("availability-bridge/package.json").main);`,
    },
    commands: [["page.cjs"], ["page.mjs"], ["main.cjs"]],
  },
  {
    // npm refuses to install a package whose optional peers are there in another version.
    name: "React 17 and Vue 2",
    folder: "older",
    isFast: true,
    files: {
      "page.cjs": 'if (typeof require("availability-bridge").connect !== "function") throw new Error("no connect");',
    },
    commands: [["page.cjs"]],
  },
  jest("jest 29", "jest29", "jsdom", "import"),
  jest("jest 29", "jest29", "jsdom", "require"),
  jest("jest 30", "jest30", "jsdom", "import"),
  jest("jest 30", "jest30", "jsdom", "require"),
  jest("jest 30", "jest30", "@happy-dom/jest-environment", "require"),
  vitest("jsdom"),
  vitest("happy-dom"),
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
  ...APPLICATIONS,
  ...FRAMEWORK_PAGES,
  hydration("React 18", "react18", "react"),
  hydration("React 18", "react18", "react", "production"),
  hydration("React 19", "react19", "react"),
  hydration("React 19", "react19", "react", "production"),
  hydration("Vue 3", "bundlers", "vue"),
  hydration("Svelte 5", "bundlers", "svelte"),
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
