// @ts-check
/** Pages of frameworks, made of the code on the pages of documentation, each built with the packed package and used in a browser. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @typedef {import("./consumer.mjs").Consumer} Consumer */

const vite = { vite: "8.3.8" };

/**
 * Packages of each folder, in exact versions: those that run on Node 20.
 *
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
export const FRAMEWORK_PACKAGES = {
  "vite-react18": { ...vite, react: "18.3.1", "react-dom": "18.3.1" },
  "vite-react19": { ...vite, react: "19.2.9", "react-dom": "19.2.9" },
  "vite-vue": { ...vite, "@vitejs/plugin-vue": "6.0.11", "typescript-7.0": "npm:typescript@7.0.2", vue: "3.5.45" },
  "vite-svelte": { ...vite, "@sveltejs/vite-plugin-svelte": "7.3.1", svelte: "5.57.3" },
  sveltekit: {
    ...vite,
    "@sveltejs/adapter-node": "5.5.7",
    "@sveltejs/kit": "2.70.4",
    "@sveltejs/vite-plugin-svelte": "7.3.1",
    svelte: "5.57.3",
  },
  nuxt: { nuxt: "4.4.2", vue: "3.5.45" },
};

/** The address of the examples, and the one in the query of a tested page. */
const EXAMPLE_ADDRESS = "https://widget.example.com/widget/";
const TESTED_ADDRESS = `(new URLSearchParams(globalThis.location?.search ?? "").get("src") ?? "${EXAMPLE_ADDRESS}")`;

/**
 * Reads the files of a page of documentation: code blocks whose first line is a comment with the file's name. The widget's address becomes that
 * of the query.
 *
 * @param {string} page
 * @param {(name: string) => boolean} [isWanted]
 * @returns {Readonly<Record<string, string>>}
 */
function readFiles(page, isWanted = () => true) {
  const text = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), "utf8");
  const blocks = text.matchAll(/^```\w+\n((?:\/\/|<!--) (\S+)(?: -->)?\n.*?)^```/gms);
  const files = Array.from(blocks, ([, code = "", name = ""]) => {
    const tested = code
      // An attribute of JSX, and a string.
      .replaceAll(`="${EXAMPLE_ADDRESS}"`, () => `={${TESTED_ADDRESS}}`)
      .replaceAll(`"${EXAMPLE_ADDRESS}"`, () => TESTED_ADDRESS);
    return /** @type {const} */ ([name, tested]);
  }).filter(([name]) => isWanted(name));
  if (files.length === 0) throw new Error(`docs/${page}.md: expected code blocks with the name of a file`);
  return Object.fromEntries(files);
}

/**
 * Reads one file of a page of documentation.
 *
 * @param {string} page
 * @param {string} name
 */
function readFile(page, name) {
  return readFiles(page, (each) => each === name)[name] ?? "";
}

/** @param {string} file */
function tool(file) {
  return `../node_modules/${file}`;
}

const openLivePage = fileURLToPath(new URL("open-live-page.mjs", import.meta.url));

/** Builds the page, and writes what the server renders into the page's document. */
const buildRendered = `import { readFileSync, writeFileSync } from "node:fs";
import { build } from "vite";
await build({ build: { outDir: "out" } });
await build({ build: { outDir: "server", ssr: "src/server", rolldownOptions: { output: { entryFileNames: "server.mjs" } } } });
const { render } = await import("./server/server.mjs");
const html = readFileSync("out/index.html", "utf8");
writeFileSync("out/index.html", html.replace("<!--page-->", await render()));
`;

const viteDocument = (/** @type {string} */ entry) =>
  `<!doctype html><title>Agents</title><div id="app"><!--page--></div><script type="module" src="/src/${entry}"></script>`;

/**
 * @param {"18" | "19"} version
 * @returns {Consumer}
 */
function react(version) {
  return {
    name: `React ${version}, availability-bridge/react, server-rendered`,
    folder: `vite-react${version}`,
    isFast: true,
    isFramework: true,
    files: {
      ...readFiles("react"),
      "package.json": '{ "type": "module" }',
      "index.html": viteDocument("page.tsx"),
      "src/page.tsx": `import { StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import App from "./App";
hydrateRoot(document.querySelector("#app")!, <StrictMode><App /></StrictMode>);`,
      "src/server.tsx": `import { StrictMode } from "react";
import { renderToString } from "react-dom/server";
import App from "./App";
export const render = () => renderToString(<StrictMode><App /></StrictMode>);`,
      "build.mjs": buildRendered,
      "require.cjs":
        'if (typeof require("availability-bridge/react").BridgeProvider !== "function") throw new Error("no provider");',
    },
    commands: [["require.cjs"], ["build.mjs"], [openLivePage, "--rendered", "out"]],
  };
}

const viteVueConfig = `import vue from "@vitejs/plugin-vue";
export default { plugins: [vue()] };`;

/** The agent of the page about React, as a component of the browser. */
const clientAgent = `"use client";\n${readFile("react", "src/agent.tsx")}`;

/**
 * Describes a workspace of the Angular CLI with one application.
 *
 * @param {string} main the file that starts the application
 * @returns {Readonly<Record<string, string>>}
 */
export function describeAngularWorkspace(main) {
  return {
    "package.json": '{ "private": true }',
    "angular.json": JSON.stringify({
      version: 1,
      cli: { analytics: false, cache: { enabled: false } },
      projects: {
        page: {
          projectType: "application",
          root: "",
          architect: {
            build: {
              builder: "@angular/build:application",
              options: {
                outputPath: { base: "out", browser: "" },
                index: "index.html",
                browser: main,
                polyfills: ["zone.js"],
                tsConfig: "tsconfig.json",
                optimization: { scripts: true, styles: false, fonts: false },
              },
            },
          },
        },
      },
    }),
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        module: "preserve",
        moduleResolution: "bundler",
        target: "ES2022",
        lib: ["ES2022", "DOM"],
        types: [],
        strict: true,
        skipLibCheck: false,
        experimentalDecorators: true,
      },
      angularCompilerOptions: { strictTemplates: true },
      files: [main],
    }),
    "index.html": "<!doctype html><title>Agents</title><app-root></app-root>",
  };
}

const angularFiles = {
  ...describeAngularWorkspace("src/main.ts"),
  "src/agent.component.ts": readFile("frameworks", "src/agent.component.ts"),
  "src/main.ts": `import { provideZoneChangeDetection } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { AgentComponent } from "./agent.component";
void bootstrapApplication(AgentComponent, { providers: [provideZoneChangeDetection()] });`,
};

/** @type {readonly Consumer[]} */
export const FRAMEWORK_PAGES = [
  react("18"),
  react("19"),
  {
    name: "Vue 3, availability-bridge/vue, server-rendered",
    folder: "vite-vue",
    isFast: true,
    isFramework: true,
    files: {
      ...readFiles("vue"),
      "package.json": '{ "type": "module" }',
      "index.html": viteDocument("page.ts"),
      "vite.config.mjs": viteVueConfig,
      "src/page.ts": `import { createBridge } from "availability-bridge/vue";
import { createSSRApp } from "vue";
import App from "./App.vue";
createSSRApp(App).use(createBridge({ src: ${TESTED_ADDRESS} })).mount("#app");`,
      "src/server.ts": `import { createBridge } from "availability-bridge/vue";
import { createSSRApp } from "vue";
import { renderToString } from "vue/server-renderer";
import App from "./App.vue";
export const render = () => renderToString(createSSRApp(App).use(createBridge({ src: ${TESTED_ADDRESS} })));`,
      "build.mjs": buildRendered,
      "require.cjs":
        'if (typeof require("availability-bridge/vue").createBridge !== "function") throw new Error("no plugin");',
    },
    commands: [["require.cjs"], ["build.mjs"], [openLivePage, "--rendered", "out"]],
  },
  {
    name: "TypeScript 7.0, availability-bridge/vue",
    folder: "vite-vue",
    isFast: true,
    isFramework: true,
    files: {
      "package.json": '{ "type": "module" }',
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          module: "esnext",
          moduleResolution: "bundler",
          target: "ES2022",
          lib: ["ES2022", "DOM", "DOM.Iterable"],
          types: [],
          noEmit: true,
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
        },
        include: ["*.ts"],
      }),
      "page.ts": readFileSync(new URL("sources/vue-page.ts", import.meta.url), "utf8"),
    },
    commands: [[tool("typescript-7.0/bin/tsc"), "-p", "."]],
  },
  {
    name: "Vue 3, the page of docs/vue.md",
    folder: "vite-vue",
    isFast: false,
    isFramework: true,
    files: {
      ...readFiles("vue"),
      "package.json": '{ "type": "module" }',
      "index.html": viteDocument("main.ts"),
      "vite.config.mjs": viteVueConfig,
    },
    commands: [
      [tool("vite/bin/vite.js"), "build", "--outDir", "out"],
      [openLivePage, "out"],
    ],
  },
  {
    name: "No framework, a custom element",
    folder: "vite-vue",
    isFast: false,
    isFramework: true,
    files: readFiles("frameworks", (name) => name === "index.html" || name === "src/agent-card.ts"),
    commands: [
      [tool("vite/bin/vite.js"), "build", "--outDir", "out"],
      [openLivePage, "out"],
    ],
  },
  {
    name: "Svelte 5, the component of docs/frameworks.md",
    folder: "vite-svelte",
    isFast: false,
    isFramework: true,
    files: {
      ...readFiles("frameworks", (name) => name.startsWith("src/lib/")),
      "package.json": '{ "type": "module" }',
      "index.html": viteDocument("main.ts"),
      "vite.config.mjs": `import { svelte } from "@sveltejs/vite-plugin-svelte";
export default { plugins: [svelte()] };`,
      "src/main.ts": `import { mount } from "svelte";
import Agent from "./lib/Agent.svelte";
mount(Agent, { target: document.querySelector("#app")! });`,
    },
    commands: [
      [tool("vite/bin/vite.js"), "build", "--outDir", "out"],
      [openLivePage, "out"],
    ],
  },
  {
    name: "SvelteKit 2, server",
    folder: "sveltekit",
    isFast: false,
    isFramework: true,
    files: {
      ...readFiles("frameworks", (name) => name.startsWith("src/lib/") || name.startsWith("src/routes/")),
      "package.json": '{ "type": "module" }',
      "vite.config.mjs": `import { sveltekit } from "@sveltejs/kit/vite";
export default { plugins: [sveltekit()] };`,
      "svelte.config.js": `import adapter from "@sveltejs/adapter-node";
export default { kit: { adapter: adapter({ out: "out" }) } };`,
      "src/app.html":
        '<!doctype html><html lang="en"><head><title>Agents</title>%sveltekit.head%</head><body><div>%sveltekit.body%</div></body></html>',
    },
    commands: [
      [tool("@sveltejs/kit/svelte-kit.js"), "sync"],
      [tool("vite/bin/vite.js"), "build"],
      [openLivePage, "--rendered", "--server", "out/index.js"],
    ],
  },
  {
    name: "Angular 20, the component of docs/frameworks.md",
    folder: "angular",
    isFast: false,
    isFramework: true,
    files: angularFiles,
    commands: [
      [tool("@angular/cli/bin/ng.js"), "build"],
      [openLivePage, "out"],
    ],
  },
  {
    name: "Next.js 16, app router, server",
    folder: "next",
    isFast: false,
    isFramework: true,
    files: {
      ...readFiles("frameworks", (name) => /^app\/(?!plugins)/.test(name)),
      "app/agent.tsx": clientAgent,
      "package.json": '{ "private": true }',
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          jsx: "react-jsx",
          lib: ["ES2022", "DOM"],
          module: "esnext",
          moduleResolution: "bundler",
          noEmit: true,
          strict: true,
          skipLibCheck: true,
          allowJs: true,
          esModuleInterop: true,
          resolveJsonModule: true,
          isolatedModules: true,
          incremental: true,
          plugins: [{ name: "next" }],
        },
        include: ["**/*.ts", "**/*.tsx"],
      }),
      // The packages are in the folder above.
      "next.config.mjs": `import { fileURLToPath } from "node:url";
export default { turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) } };`,
    },
    commands: [
      [tool("next/dist/bin/next"), "build"],
      [openLivePage, "--rendered", "--server", tool("next/dist/bin/next"), "start"],
    ],
  },
  {
    name: "Nuxt 4, server",
    folder: "nuxt",
    isFast: false,
    isFramework: true,
    files: {
      "app/app.vue": readFile("vue", "src/App.vue"),
      "app/plugins/availability-bridge.ts": readFile("frameworks", "app/plugins/availability-bridge.ts"),
      "package.json": '{ "type": "module", "private": true }',
      "nuxt.config.ts": 'export default defineNuxtConfig({ compatibilityDate: "2026-01-01", telemetry: false });',
    },
    commands: [
      [tool("nuxt/bin/nuxt.mjs"), "build"],
      [openLivePage, "--rendered", "--server", ".output/server/index.mjs"],
    ],
  },
];
