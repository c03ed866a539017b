// @ts-check
/** Measures a page that watches a thousand idle agents, over an hour of the pages' own fake clocks. */
import { setTimeout } from "node:timers/promises";
import { median } from "../../../scripts/benchmarks/statistics.mjs";
import { serveSite } from "../site.mjs";
import { startLiveGateway } from "./gateways.mjs";
import { attachHeaps, launchWithDebugger, WATCHED_USERS } from "./heaps.mjs";
import { hostPage } from "./page.mjs";

/** Length of a step. Between steps the page's requests are answered in real time. */
const STEP_MS = 15_000;
const STEPS = 240;

/** Number of steps before the first reading of the memory: the browser compiles and fills caches. */
const WARM_UP_STEPS = 40;

/**
 * @param {number} rounds
 * @returns {Promise<string[][]>}
 */
export async function measureIdle(rounds) {
  const host = await serveSite("localhost");
  const gateway = await startLiveGateway({ hostOrigin: host.origin, isBare: false, users: WATCHED_USERS });
  host.add("/idle", await hostPage("e2e/benchmarks/pages/idle-host.ts", { side: "bridge", widget: gateway.origin }));
  /** @type {Hour[]} */
  const measured = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measureHour(`${host.origin}/idle`));
  host.close();
  await gateway.stop();
  const row = (/** @type {string} */ what, /** @type {(hour: Hour) => number} */ read, digits = 0) => [
    what,
    median(measured.map(read)).toFixed(digits),
    Math.max(...measured.map(read)).toFixed(digits),
  ];
  return [
    ["in an hour", "median", "highest"],
    row("timers fired on the host", ({ timers }) => timers),
    row("KiB that the host's heap grew", ({ host: [before, after] }) => (after - before) / 1024, 1),
    row("KiB of the host's heap at the end", ({ host: [, after] }) => after / 1024),
    row("KiB that the widget's heap grew", ({ widget: [before, after] }) => (after - before) / 1024, 1),
    row("KiB of the widget's heap at the end", ({ widget: [, after] }) => after / 1024),
  ];
}

/** @typedef {{ timers: number, host: [number, number], widget: [number, number] }} Hour heaps in bytes, before and after */

/**
 * @param {string} address
 * @returns {Promise<Hour>}
 */
async function measureHour(address) {
  const browser = await launchWithDebugger();
  const page = await browser.newPage();
  await page.clock.install();
  await page.addInitScript(countTimers);
  await page.goto(address);
  const used = await attachHeaps(page);
  await pass(page, WARM_UP_STEPS);
  const [hostBefore, widgetBefore] = await used();
  const firedBefore = await page.evaluate(() => Number(document.documentElement.dataset["fired"]));
  await pass(page, STEPS);
  const timers = (await page.evaluate(() => Number(document.documentElement.dataset["fired"]))) - firedBefore;
  const [hostAfter, widgetAfter] = await used();
  await browser.close();
  return { timers, host: [hostBefore, hostAfter], widget: [widgetBefore, widgetAfter] };
}

/**
 * @param {import("@playwright/test").Page} page
 * @param {number} steps
 */
async function pass(page, steps) {
  for (let step = 0; step < steps; step += 1) {
    await page.clock.runFor(STEP_MS);
    await setTimeout(20);
  }
}

/** Counts timers that fire in the page, without the widget's iframe. Runs before the page's own scripts. */
function countTimers() {
  if (window !== window.parent) return;
  let fired = 0;
  const root = () => document.documentElement;
  for (const name of /** @type {const} */ (["setTimeout", "setInterval"])) {
    const original = window[name];
    Reflect.set(
      window,
      name,
      (/** @type {() => void} */ callback, /** @type {number} */ delay, /** @type {unknown[]} */ ...rest) =>
        original(() => {
          fired += 1;
          root().dataset["fired"] = `${fired}`;
          Reflect.apply(callback, undefined, rest);
        }, delay),
    );
  }
  addEventListener("DOMContentLoaded", () => {
    root().dataset["fired"] ??= "0";
  });
}
