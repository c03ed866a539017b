// @ts-check
/** Test runners, each with a test of the package, of the test kit and of the documented examples. */
import { readFileSync } from "node:fs";
import { exercise, exerciseTesting, tool } from "./consumer.mjs";

/** @typedef {import("./consumer.mjs").Consumer} Consumer */

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

/** @type {readonly Consumer[]} */
export const TEST_RUNNERS = [
  jest("jest 29", "jest29", "jsdom", "import"),
  jest("jest 29", "jest29", "jsdom", "require"),
  jest("jest 30", "jest30", "jsdom", "import"),
  jest("jest 30", "jest30", "jsdom", "require"),
  jest("jest 30", "jest30", "@happy-dom/jest-environment", "require"),
  vitest("jsdom"),
  vitest("happy-dom"),
];
