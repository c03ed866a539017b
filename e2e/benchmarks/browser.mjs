// @ts-check
/**
 * A Chromium without a debugger: a debugger would pause every new iframe of another site and so change the measurement.
 */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../scripts/testing/browsers.mjs";

const QUIET_ARGUMENTS = ["--headless=new", "--remote-debugging-port=0", "--no-first-run"];

/** Flags with which Playwright starts it as well: frames and tabs that do not show run at full speed. */
const FULL_SPEED = [
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

/**
 * @typedef {object} BenchBrowser
 * @property {string} version such as `Chrome/150.0.0.0`
 * @property {(url: string) => Promise<string>} open opens a tab and returns its id; the address must not contain `&`
 * @property {(tab: string) => Promise<void>} closeTab
 * @property {() => Promise<void>} close
 */

/**
 * @param {{ isThrottled?: boolean }} options `isThrottled`: frames that do not show are slowed down, as in users' browsers
 * @returns {Promise<BenchBrowser>}
 */
export async function launchBrowser({ isThrottled = false } = {}) {
  const [{ executablePath, environment }] = findBrowsers();
  const profile = mkdtempSync(path.join(tmpdir(), "availability-bridge-bench-"));
  const flags = [...BROWSER_ARGUMENTS, ...QUIET_ARGUMENTS, ...(isThrottled ? [] : FULL_SPEED)];
  const child = spawn(executablePath, [...flags, `--user-data-dir=${profile}`], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  // The browser ends even if its measurement fails.
  const killChild = () => void child.kill();
  process.once("exit", killChild);
  const control = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const [, address] = /DevTools listening on ws:\/\/([^/]+)\//.exec(line) ?? [];
      if (address) resolve(`http://${address}`);
    });
    child.once("exit", (code) => reject(new Error(`The browser ended with exit code ${code}`)));
  });
  const { Browser: version } = await (await fetch(`${control}/json/version`)).json();
  return {
    version,
    async open(url) {
      const response = await fetch(`${control}/json/new?${url}`, { method: "PUT" });
      return (await response.json()).id;
    },
    closeTab: async (tab) => void (await fetch(`${control}/json/close/${tab}`)),
    async close() {
      process.removeListener("exit", killChild);
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await gone;
      // The browser's child processes write to the profile a moment longer.
      await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}

/** Describes the machine and the browser of the figures in a line. */
export async function describeEnvironment() {
  const browser = await launchBrowser();
  await browser.close();
  const version = browser.version.replace("/", " ").replace(/\.0\.0\.0$/, "");
  return `${version}, Node ${process.versions.node}, ${availableParallelism()} cores`;
}
