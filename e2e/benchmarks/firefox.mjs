// @ts-check
/** A Firefox for laps of pages, with a profile on disk, which has a cache of compiled scripts as a user's has. */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { firefox } from "playwright";
import { findFirefox } from "../../scripts/testing/browsers.mjs";

/**
 * Starts the machine's Firefox over WebDriver BiDi, which pauses no iframe, unlike Chromium's debugger.
 *
 * @returns {Promise<import("./browser.mjs").BenchBrowser | undefined>} `undefined` if the machine has no Firefox
 */
export async function launchFirefox() {
  const executablePath = findFirefox();
  if (executablePath === undefined) return undefined;
  const profile = mkdtempSync(path.join(tmpdir(), "availability-bridge-bench-"));
  const context = await firefox.launchPersistentContext(profile, { channel: "moz-firefox", executablePath });
  /** @type {Map<string, import("playwright").Page>} */
  const tabs = new Map();
  let opened = 0;
  return {
    version: `Firefox ${context.browser()?.version() ?? ""}`.trim(),
    async open(url) {
      const page = await context.newPage();
      opened += 1;
      tabs.set(`${opened}`, page);
      await page.goto(url, { waitUntil: "commit" });
      return `${opened}`;
    },
    async closeTab(tab) {
      await tabs.get(tab)?.close();
      tabs.delete(tab);
    },
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}
