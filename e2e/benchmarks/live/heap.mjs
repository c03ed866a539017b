// @ts-check
/** Measures the heaps of a page with a thousand watched agents and of the page's widget, against an earlier build's or a control's. */
import { setTimeout } from "node:timers/promises";
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { describeRatios, median } from "../../../scripts/benchmarks/statistics.mjs";
import { serveSite } from "../site.mjs";
import { startLiveGateway } from "./gateways.mjs";
import { attachHeaps, launchWithDebugger, WATCHED_USERS } from "./heaps.mjs";
import { hostPage } from "./page.mjs";

/** Time in which the widget receives the stream's first snapshot, after the page has every agent. */
const SNAPSHOT_MS = 1_000;

/** @typedef {"control" | "before" | "bridge"} Side without another build the first side is the present one too: the noise */

/**
 * @param {number} rounds
 * @param {string} [before] a built checkout of another revision, the side to compare with
 * @returns {Promise<string[][]>}
 */
export async function measureHeap(rounds, before) {
  /** @type {readonly [Side, Side]} */
  const sides = [before === undefined ? "control" : "before", "bridge"];
  const [base] = sides;
  const host = await serveSite("localhost");
  const gateways = /** @type {Record<Side, import("./gateways.mjs").LiveGateway>} */ ({});
  for (const side of sides) {
    const checkout = side === "before" ? before : undefined;
    const options = { hostOrigin: host.origin, isBare: false, users: WATCHED_USERS, checkout };
    gateways[side] = await startLiveGateway(options);
    const data = { side: "bridge", widget: gateways[side].origin, checkout };
    host.add(`/${side}`, await hostPage("e2e/benchmarks/pages/idle-host.ts", data));
  }
  /** @type {Record<Side, [host: number, widget: number]>[]} */
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    const heaps = /** @type {typeof measured[number]} */ ({});
    for (const side of permutationAt(sides, round)) heaps[side] = await readHeaps(`${host.origin}/${side}`);
    measured.push(heaps);
  }
  host.close();
  await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
  const row = (/** @type {string} */ name, /** @type {0 | 1} */ window) => [
    name,
    ...sides.map((side) => (median(measured.map((heaps) => heaps[side][window])) / 1024).toFixed(0)),
    describeRatios(measured.map((heaps) => heaps.bridge[window] / heaps[base][window])),
  ];
  return [
    ["heap after a collection", ...sides.map((side) => `${side} KiB`), `bridge to ${base}`],
    row("the page", 0),
    row("the widget", 1),
  ];
}

/**
 * Opens the page in a browser of its own, and reads both heaps.
 *
 * @param {string} address
 */
async function readHeaps(address) {
  const browser = await launchWithDebugger();
  const page = await browser.newPage();
  await page.goto(address);
  const used = await attachHeaps(page);
  await setTimeout(SNAPSHOT_MS);
  const heaps = await used();
  await browser.close();
  return heaps;
}
