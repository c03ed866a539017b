// @ts-check
/** Frameworks that render a page with badges on the server, and hydrate it in jsdom. */
import { bundler } from "./bundlers.mjs";
import { readSource } from "./consumer.mjs";

/** @typedef {import("./consumer.mjs").Consumer} Consumer */

/** Files of each framework, for the server with a function `render`, and for the page that hydrates. */
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

/** @type {readonly Consumer[]} */
export const HYDRATIONS = [
  hydration("React 18", "react18", "react"),
  hydration("React 18", "react18", "react", "production"),
  hydration("React 19", "react19", "react"),
  hydration("React 19", "react19", "react", "production"),
  hydration("Vue 3", "bundlers", "vue"),
  hydration("Svelte 5", "bundlers", "svelte"),
];
