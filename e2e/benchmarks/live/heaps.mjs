// @ts-check
/** Heaps of a page with a thousand watched agents, and of the page's widget. */
import { setTimeout } from "node:timers/promises";
import { chromium } from "@playwright/test";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../../scripts/testing/browsers.mjs";

/** Number of watched agents in `idle-host.ts`. */
export const WATCHED_USERS = 1_000;

/** Launches a browser whose pages a debugger may look into. */
export function launchWithDebugger() {
  const [{ executablePath, environment }] = findBrowsers();
  return chromium.launch({ executablePath, args: BROWSER_ARGUMENTS, env: { ...process.env, ...environment } });
}

/** Time between two looks at the page, in milliseconds. */
const POLL_MS = 20;

/**
 * Waits until the page has received every agent, and returns a function that reads both heaps after a collection.
 *
 * @param {import("@playwright/test").Page} page
 * @returns {Promise<() => Promise<[host: number, widget: number]>>} bytes
 */
export async function attachHeaps(page) {
  const host = await page.context().newCDPSession(page);
  // Without `page.waitForFunction`: the function's script would be a fifth of the page's heap.
  const expression = `document.body.dataset.known === "${WATCHED_USERS}"`;
  while (!(await host.send("Runtime.evaluate", { expression })).result.value) await setTimeout(POLL_MS);
  const frame = page.frames().find((candidate) => candidate !== page.mainFrame());
  if (!frame) throw new Error("The page has no widget");
  const sessions = [host, await page.context().newCDPSession(frame)];
  return async () => /** @type {[number, number]} */ (await Promise.all(sessions.map(collect)));
}

/** @param {import("@playwright/test").CDPSession} session */
async function collect(session) {
  await session.send("HeapProfiler.enable");
  // The second collection frees objects that the first finalizes.
  for (let turn = 0; turn < 3; turn += 1) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize;
}
