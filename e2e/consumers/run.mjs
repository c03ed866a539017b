// @ts-check
/**
 * `npm run test:consumers`: builds and runs a smallest consumer of the packed package in each tool chain, and prints a table. Needs a
 * build. `--fast` tries those that CI tries, `--frameworks` the pages of frameworks; words after the options select consumers by name. `--keep` leaves the folder.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { CONSUMERS } from "./consumers.mjs";
import { PACKAGES } from "./packages.mjs";

/** @typedef {import("./consumer.mjs").Consumer} Consumer */

const run = promisify(execFile);
/** Of each command. Neither tool sends its statistics. */
const ENVIRONMENT = {
  ...process.env,
  NODE_ENV: "",
  CI: "true",
  NEXT_TELEMETRY_DISABLED: "1",
  NG_CLI_ANALYTICS: "false",
};
const { values, positionals } = parseArgs({
  options: {
    fast: { type: "boolean", default: false },
    frameworks: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const directory = mkdtempSync(path.join(tmpdir(), "consumers-"));
const chosen = CONSUMERS.filter(
  ({ name, isFast, isFramework }) =>
    (!values.fast || isFast) &&
    (!values.frameworks || isFramework) &&
    (positionals.length === 0 || positionals.some((word) => name.toLowerCase().includes(word.toLowerCase()))),
);
if (chosen.length === 0) throw new Error(`No consumer has a name with ${positionals.join(" or ")}`);

try {
  const tarball = pack();
  const folders = [...new Set(chosen.map(({ folder }) => folder))];
  await forEach(folders, (folder) => install(folder, tarball));
  await forEach(chosen, tryConsumer);
} finally {
  if (values.keep) console.log(directory);
  else rmSync(directory, { recursive: true, force: true });
}

/** Packs the built package as `npm publish` would, and returns the tarball's path. */
function pack() {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const output = execFileSync("npm", ["pack", "--json", "--pack-destination", directory], {
    cwd: root,
    encoding: "utf8",
  });
  /** @type {readonly { readonly filename: string }[]} */
  const [packed] = JSON.parse(output);
  if (!packed) throw new Error("npm pack has packed nothing");
  return path.join(directory, packed.filename);
}

/**
 * Installs the tarball and the packages of a folder. What npm has in its cache is not fetched again.
 *
 * @param {string} folder
 * @param {string} tarball
 */
async function install(folder, tarball) {
  const cwd = path.join(directory, folder);
  mkdirSync(cwd);
  const dependencies = { ...PACKAGES[folder], "availability-bridge": `file:${tarball}` };
  writeFileSync(path.join(cwd, "package.json"), JSON.stringify({ private: true, dependencies }));
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"];
  await run("npm", ["install", ...options], { cwd });
}

/** @param {Consumer} consumer */
async function tryConsumer({ name, folder, files, commands }) {
  const cwd = path.join(directory, folder, name.replaceAll(/[^\w.]+/g, "-"));
  mkdirSync(cwd, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(cwd, file)), { recursive: true });
    writeFileSync(path.join(cwd, file), text);
  }
  const start = performance.now();
  let failure = "";
  for (const command of commands) {
    failure ||= await run(process.execPath, command, { cwd, env: ENVIRONMENT }).then(
      () => "",
      (/** @type {{ message: string, stdout?: string, stderr?: string }} */ { message, stdout, stderr }) =>
        [message, stdout, stderr].join("\n"),
    );
  }
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.log(`| ${name.padEnd(40)} | ${failure ? "fails" : "works"} | ${seconds.padStart(5)} s |`);
  if (!failure) return;
  console.error(failure);
  process.exitCode = 1;
}

/**
 * Does the work of a list, two items at a time.
 *
 * @template Item
 * @param {readonly Item[]} items
 * @param {(item: Item) => Promise<void>} work
 */
async function forEach(items, work) {
  const rest = [...items];
  await Promise.all(
    [1, 2].map(async () => {
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
    }),
  );
}
