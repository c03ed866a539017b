// @ts-check
/**
 * Runs the unit tests of the gateway and of what it shares with the widget on further releases of Node, which the npm packages of Node's
 * binaries bring: `node scripts/testing/node-versions.mjs`. Needs the build. The tests of servers are left to the main run.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Supported releases beside the one on which everything else is tested. */
const VERSIONS = ["22.23.3", "24.21.0"];

/** Parts of the gateway whose tests take minutes, because they start servers that are no Node. */
const SKIPPED = new Set(["deploy", "dist", "store", "test"]);

const directory = mkdtempSync(path.join(tmpdir(), "node-versions-"));
try {
  for (const version of VERSIONS) runTests(version, install(version));
} finally {
  rmSync(directory, { recursive: true });
}

/**
 * Installs a release of Node outside of the repository, and returns the path of its program.
 *
 * @param {string} version
 */
function install(version) {
  const prefix = path.join(directory, version);
  const name = `node-${process.platform}-${process.arch}`;
  const options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts"];
  execFileSync("npm", ["install", ...options, "--prefix", prefix, `${name}@${version}`], { stdio: "inherit" });
  return path.join(prefix, "node_modules", name, "bin/node");
}

/**
 * @param {string} version
 * @param {string} program
 */
function runTests(version, program) {
  const found = execFileSync(program, ["--version"], { encoding: "utf8" }).trim();
  if (found !== `v${version}`) throw new Error(`Expected Node ${version}, got ${found}`);
  const report = `--outputFile.json=${path.join(directory, `${version}.json`)}`;
  const parts = readdirSync("gateway").filter((name) => !SKIPPED.has(name));
  const vitest = [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    "unit",
    report,
    ...parts.map((name) => `gateway/${name}`),
    "shared/",
  ];
  const { status } = spawnSync(program, vitest, {
    stdio: "inherit",
    // The gateways that tests start as processes run on the same release.
    env: { ...process.env, PATH: `${path.dirname(program)}${path.delimiter}${process.env["PATH"]}` },
  });
  console.log(`Node ${version}: the tests ${status === 0 ? "have passed" : "have failed"}`);
  if (status !== 0) process.exitCode = 1;
}
