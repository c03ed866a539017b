// @ts-check
/**
 * Runs the mutation tests: `npm run test:mutation`, or `npm run test:mutation -- --mutate 'shared/**'` for a part. Other
 * arguments go to Stryker as they are.
 *
 * Stryker is no dependency of the repository: it needs a later Node than the repository does, and few runs need it. So
 * the first run installs both into a folder that git ignores. From there Stryker finds the repository's own Vitest.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EXCLUDED, FOLDER } from "./stryker.config.mjs";

const PACKAGES = {
  "@stryker-mutator/core": "10.1.1",
  "@stryker-mutator/vitest-runner": "10.1.1",
  node: "22.23.3",
};

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = `${root}${FOLDER}`;

install();
const stryker = spawnSync(
  `${folder}/node_modules/node/bin/node`,
  [
    `${folder}/node_modules/@stryker-mutator/core/bin/stryker.js`,
    "run",
    "scripts/mutation/stryker.config.mjs",
    ...excludeTests(process.argv.slice(2)),
  ],
  { cwd: root, stdio: "inherit" },
);
if (stryker.error) throw stryker.error;
process.exitCode = stryker.status ?? 1;

/** Installs Stryker and its Node, unless the folder has these versions. */
function install() {
  const file = `${folder}/package.json`;
  const manifest = JSON.stringify({ private: true, dependencies: PACKAGES });
  const done = `${folder}/installed.json`;
  if (readText(done) === manifest) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, manifest);
  // Without peer dependencies: the runner's is Vitest, and the repository has one.
  const { status } = spawnSync(
    "npm",
    ["install", "--legacy-peer-deps", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
    {
      cwd: folder,
      stdio: "inherit",
    },
  );
  if (status !== 0) throw new Error("npm could not install Stryker");
  writeFileSync(done, manifest);
}

/**
 * Adds the files that are never mutated to the patterns of `--mutate`, which replace the configuration's.
 *
 * @param {readonly string[]} args
 */
function excludeTests(args) {
  return args.map((arg, index) => {
    const isPattern = ["-m", "--mutate"].includes(args[index - 1] ?? "");
    return isPattern ? [arg, ...EXCLUDED].join(",") : arg;
  });
}

/**
 * Reads a file. Returns undefined if there is none.
 *
 * @param {string} file
 */
function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
