// @ts-check
/** Laps of pages: each side's page in a new tab, repeatedly, with the sides in turn. */
import { setTimeout } from "node:timers/promises";
import { permutationAt } from "../../scripts/benchmarks/permutations.mjs";
import { launchBrowser } from "./browser.mjs";

/** Time for the processes of a closed tab to end, which must not overlap the next measurement. */
const SETTLE_MS = 300;

/**
 * Opens a page in a new tab, and resolves with the page's report once the tab has closed.
 *
 * @param {import("./browser.mjs").BenchBrowser} browser
 * @param {import("./site.mjs").BenchSite} host
 * @param {string} path
 */
export async function reportFrom(browser, host, path) {
  const report = host.reportOf(path);
  const tab = await browser.open(`${host.origin}${path}`);
  const reported = await report;
  await browser.closeTab(tab);
  await setTimeout(SETTLE_MS);
  return reported;
}

/**
 * Runs a round's laps in a new browser, after an uncounted lap.
 *
 * @template {string} Side
 * @template Lap
 * @param {readonly Side[]} sides
 * @param {{ laps: number, round: number, isThrottled?: boolean }} options
 * @param {(browser: import("./browser.mjs").BenchBrowser, side: Side) => Promise<Lap>} run
 * @returns {Promise<Record<Side, Lap[]>>}
 */
export async function runRounds(sides, { laps, round, ...flags }, run) {
  const browser = await launchBrowser(flags);
  const measured = /** @type {Record<Side, Lap[]>} */ ({});
  for (const side of sides) measured[side] = [];
  for (let lap = 0; lap <= laps; lap += 1) {
    for (const side of permutationAt(sides, round * (laps + 1) + lap)) {
      const result = await run(browser, side);
      if (lap > 0) measured[side].push(result);
    }
  }
  await browser.close();
  return measured;
}
