/** The documentation as a site: `npm run docs` while somebody writes, `npm run docs:build` for the files. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createCssVariablesTheme } from "shiki";
import { type DefaultTheme, defineConfig } from "vitepress";
import { pageOf, writeApiReference } from "../site/api-reference.ts";
import { findFaults } from "../site/check-site.ts";
import { useClasses } from "../site/code-colors.ts";
import { followSources } from "../site/follow-sources.ts";
import { toAnchor } from "../site/links.ts";
import { writePages } from "../site/pages.ts";
import { addPolicy } from "../site/policy.ts";
import { repairTheme } from "../site/repair-theme.ts";
import { readSections } from "../site/sections.ts";

const base = "/docs/";

/** A mark of an available agent. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Ccircle cx='12' cy='12' r='11' fill='%23137333'/%3E%3Cpath d='m7 12.5 3.4 3.4L17 9' fill='none' stroke='%23fff' stroke-width='2.5'/%3E%3C/svg%3E";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const folders = { repository, pages: path.join(repository, "docs/.vitepress/pages") };

const files = writePages(folders);
const entries = await writeApiReference(repository, folders.pages);

const sections = readSections(readFileSync(path.join(repository, "docs/README.md"), "utf8")).map(
  ({ title, pages }): DefaultTheme.SidebarItem => ({
    text: title,
    items: pages.map((page) => ({ text: page.title, link: `/${page.file}` })),
  }),
);

const sidebar: DefaultTheme.SidebarItem[] = [
  {
    text: "Start",
    items: [
      { text: "First steps of each reader", link: "/repository/README.md" },
      { text: "Playground", link: "/playground.md" },
    ],
  },
  ...sections,
  {
    text: "API reference",
    collapsed: true,
    items: entries.map((entry) => ({ text: entry.name, link: `/${pageOf(entry)}` })),
  },
  {
    text: "Repository",
    items: [
      { text: "Changelog", link: "/repository/CHANGELOG.md" },
      { text: "Change it", link: "/repository/CONTRIBUTING.md" },
    ],
  },
];

export default defineConfig({
  base,
  lang: "en",
  title: "availability-bridge",
  description: "Shows in a CRM whether a phone agent can take a call right now.",
  head: [["link", { rel: "icon", href: ICON }]],
  // Else a change of the theme adds a style element, which the policy forbids.
  appearance: { disableTransition: false },
  srcDir: ".vitepress/pages",
  outDir: ".vitepress/dist",
  cacheDir: "../node_modules/.cache/docs-site",
  // The pages name addresses of programs that the reader starts.
  ignoreDeadLinks: "localhostLinks",
  markdown: {
    anchor: { slugify: toAnchor },
    theme: createCssVariablesTheme({ name: "by-class", variablePrefix: "--code-", fontStyle: false }),
    codeTransformers: [useClasses],
    languageAlias: { tree: "txt", caddyfile: "nginx" },
  },
  themeConfig: {
    sidebar,
    nav: [
      { text: "First steps", link: "/repository/README.md" },
      { text: "Playground", link: "/playground.md" },
      { text: "API", link: "/api/availability-bridge.md" },
      { text: "Changelog", link: "/repository/CHANGELOG.md" },
    ],
    outline: [2, 3],
    search: { provider: "local" },
  },
  transformHtml: addPolicy,
  buildEnd({ outDir }) {
    const faults = findFaults(outDir, base);
    if (faults.length > 0) throw new Error(`The site has ${faults.length} faults:\n${faults.join("\n")}`);
  },
  vite: { plugins: [followSources(files, folders), repairTheme()], publicDir: false },
});
