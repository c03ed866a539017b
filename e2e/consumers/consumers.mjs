// @ts-check
/** Tool chains of pages, in the tried versions, each with a smallest consumer of the packed package. */
import { fileURLToPath } from "node:url";
import { BUNDLERS } from "./bundlers.mjs";
import { COMPILERS } from "./compilers.mjs";
import { readSource, tool } from "./consumer.mjs";
import { describeAngularWorkspace, FRAMEWORK_PAGES } from "./frameworks.mjs";
import { HYDRATIONS } from "./hydrations.mjs";
import { TEST_RUNNERS } from "./test-runners.mjs";

/** @typedef {import("./consumer.mjs").Consumer} Consumer */

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
  ...TEST_RUNNERS,
  ...BUNDLERS,
  ...APPLICATIONS,
  ...FRAMEWORK_PAGES,
  ...HYDRATIONS,
  ...COMPILERS,
];
