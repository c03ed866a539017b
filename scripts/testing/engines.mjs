// @ts-check
/**
 * Reports the tested browsers, the skipped browsers, and the reasons. With `--every` a missing browser is an error.
 * With `--run`, first runs the tests in every browser of the machine, and then does the same.
 */
import { spawnSync } from "node:child_process";
import { chooseEngines, findBrowsers, findFirefox, findWebKit } from "./browsers.mjs";

const run = process.argv.includes("--run");
const demanded = run || process.argv.includes("--every");

if (run) runEverywhere();
const { missing, line } = describeEngines();
if (demanded && missing.length > 0) {
  console.error(["Not tested, since it is not on this machine:", ...missing].join("\n  "));
  process.exitCode = 1;
} else console.log(line);

/** Runs every test runner, even after a failure. */
function runEverywhere() {
  // For the runners, and for the later report.
  process.env["ALL_BROWSERS"] = "1";
  for (const command of ["npm run test:vitest", "npm run test:e2e"]) {
    const { status } = spawnSync(command, { shell: true, stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
}

function describeEngines() {
  const there = findBrowsers();
  const { chromiums, firefox, webKit } = chooseEngines();
  const engines = [
    {
      name: "Chromium of the machine",
      found: there.some(({ kind }) => kind !== "bundled"),
      used: chromiums.some(({ kind }) => kind !== "bundled"),
      how: "apt-get install chromium, or set CHROMIUM_PATH",
    },
    {
      name: "Chromium of the npm package",
      found: there.some(({ kind }) => kind === "bundled"),
      used: chromiums.some(({ kind }) => kind === "bundled"),
      how: "needs Linux on x64, and no CHROMIUM_PATH",
    },
    { name: "Firefox", found: findFirefox(), used: firefox, how: "apt-get install firefox-esr, or set FIREFOX_PATH" },
    { name: "WebKit", found: findWebKit(), used: webKit, how: "needs Linux: apt-get install webkit2gtk-driver xvfb" },
  ];
  const used = engines.filter((engine) => engine.used).map(({ name }) => name);
  const left = engines.filter((engine) => engine.found && !engine.used).map(({ name }) => name);
  const missing = engines.filter((engine) => !engine.found).map(({ name, how }) => `${name} (${how})`);
  // The projects of `e2e/playwright.config.ts` without the driver's flags.
  const withOwnFlags = used.filter((name, index) => index === 0 || name === "Firefox");
  const parts = [
    `Engines: ${used.join(", ")}`,
    `in part with their own flags: ${withOwnFlags.join(", ")}`,
    left.length > 0 && `skipped, since neither ALL_BROWSERS nor CI is set: ${left.join(", ")}`,
    missing.length > 0 && `skipped, since they are not here: ${missing.join(", ")}`,
  ];
  return { missing, line: parts.filter(Boolean).join("; ") };
}
