// @ts-check
/**
 * Runs commands at the same time: `node scripts/testing/side-by-side.mjs "npm run one" "npm run other"`. The first
 * command prints as it runs. The output of every further command is buffered until its end, so that outputs do not mix.
 * Every command runs to its end. The exit code is 0 if every command succeeds.
 */
import { spawn } from "node:child_process";

const [first = "", ...others] = process.argv.slice(2);
const results = await Promise.all([runLive(first), ...others.map(runHeldBack)]);
for (const { command, output, seconds, isOk } of results) {
  process.stdout.write(output);
  console.log(`${isOk ? "Succeeded" : "Failed"} after ${seconds} s: ${command}`);
  if (!isOk) process.exitCode = 1;
}

/**
 * @typedef {object} Result
 * @property {string} command
 * @property {string} output buffered output
 * @property {number} seconds duration
 * @property {boolean} isOk true for exit code 0
 */

/** @param {string} command */
function runLive(command) {
  return finish(command, spawn(command, { shell: true, stdio: "inherit" }), []);
}

/** @param {string} command */
function runHeldBack(command) {
  const child = spawn(command, { shell: true, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {string[]} */
  const parts = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (/** @type {string} */ part) => parts.push(part));
  }
  return finish(command, child, parts);
}

/**
 * Resolves when the command has ended and its output is complete.
 *
 * @param {string} command
 * @param {import("node:child_process").ChildProcess} child
 * @param {readonly string[]} parts
 * @returns {Promise<Result>}
 */
function finish(command, child, parts) {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      const seconds = Math.round((performance.now() - begun) / 1000);
      resolve({ command, output: parts.join(""), seconds, isOk: code === 0 });
    });
  });
}
