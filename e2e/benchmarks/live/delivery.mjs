// @ts-check
/**
 * Measures the time from a `PUT` at the gateway to the listener in the page, against a bare `EventSource` on the same
 * stream.
 */
import { setTimeout } from "node:timers/promises";
import { permutationAt } from "../../../scripts/benchmarks/permutations.mjs";
import { describeRatios, median, percentile } from "../../../scripts/benchmarks/statistics.mjs";
import { launchBrowser } from "../browser.mjs";
import { pageOf } from "../bundle.mjs";
import { CHANGED_USER, LAST_STATUS } from "../pages/collect-changes.js";
import { serveSite } from "../site.mjs";
import { startLiveGateway } from "./gateways.mjs";
import { hostPage } from "./page.mjs";

/** Counted changes of each side in a round, after some uncounted changes. */
const CHANGES = 200;
const WARM_UP = 30;

/** Pause between two changes, so that a change is delivered before the next is made. */
const PAUSE_MS = 20;

/** @typedef {"page" | "control" | "frame" | "before" | "bridge"} Side the control is a second bare page: its ratio to the bare page shows the noise */

/** Navigates the bare page to a page that may report. The report is the part behind the `#`. */
const COLLECTOR = pageOf(
  'fetch(location.pathname + "/report", { method: "POST", body: decodeURIComponent(location.hash.slice(1)) })',
);

/**
 * @param {number} rounds
 * @param {string} [before] a built checkout of another revision, measured as a further side
 * @returns {Promise<string[][]>}
 */
export async function measureDelivery(rounds, before) {
  /** @type {readonly Side[]} */
  const sides = [
    "page",
    "control",
    "frame",
    ...(before === undefined ? [] : /** @type {const} */ (["before"])),
    "bridge",
  ];
  const host = await serveSite("localhost");
  const gateways = /** @type {Record<Side, import("./gateways.mjs").LiveGateway>} */ ({});
  for (const side of sides) {
    const checkout = side === "before" ? before : undefined;
    const isBare = side !== "bridge" && side !== "before";
    gateways[side] = await startLiveGateway({ hostOrigin: host.origin, isBare, users: CHANGED_USER, checkout });
    const data = { side: isBare ? side : "bridge", widget: gateways[side].origin, checkout };
    host.add(`/${side}`, isAlone(side) ? COLLECTOR : await hostPage("e2e/benchmarks/pages/live-host.ts", data));
  }
  const measured = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(host, gateways, sides, round));
  host.close();
  await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
  return tabulate(measured, sides);
}

/** @param {Side} side */
function isAlone(side) {
  return side === "page" || side === "control";
}

/**
 * @param {import("../site.mjs").BenchSite} host
 * @param {Record<Side, import("./gateways.mjs").LiveGateway>} gateways
 * @param {readonly Side[]} sides
 * @param {number} round
 * @returns {Promise<Record<Side, number[]>>} milliseconds
 */
async function measureRound(host, gateways, sides, round) {
  const browser = await launchBrowser();
  for (const side of sides) {
    // The last round ended with the final status.
    await gateways[side].change(CHANGED_USER, "available");
    // The browser decodes the address as a query parameter, so `#` is encoded.
    await browser.open(isAlone(side) ? `${gateways[side].origin}/widget/%23/${side}` : `${host.origin}/${side}`);
    await gateways[side].whenStreaming();
  }
  const made = /** @type {Record<Side, Map<number, number>>} */ ({});
  for (const side of sides) made[side] = new Map();
  for (let change = 0; change < WARM_UP + CHANGES; change += 1) {
    for (const side of permutationAt(sides, round + change)) {
      const atMs = performance.timeOrigin + performance.now();
      const version = await gateways[side].change(CHANGED_USER, change % 2 === 0 ? "do_not_disturb" : "available");
      if (change >= WARM_UP) made[side].set(version, atMs);
      await setTimeout(PAUSE_MS);
    }
  }
  const latencies = /** @type {Record<Side, number[]>} */ ({});
  for (const side of sides) {
    const report = host.reportOf(`/${side}`);
    await gateways[side].change(CHANGED_USER, LAST_STATUS);
    latencies[side] = toLatencies(side, made[side], await report);
  }
  await browser.close();
  return latencies;
}

/**
 * @param {Side} side
 * @param {ReadonlyMap<number, number>} made
 * @param {unknown} report
 */
function toLatencies(side, made, report) {
  const heard = new Map(/** @type {import("../pages/collect-changes.js").HeardChange[]} */ (report));
  return Array.from(made, ([version, atMs]) => {
    const heardMs = heard.get(version);
    if (heardMs === undefined) throw new Error(`The side ${side} was not told of version ${version}`);
    return heardMs - atMs;
  });
}

/**
 * @param {readonly Record<Side, number[]>[]} measured
 * @param {readonly Side[]} sides
 */
function tabulate(measured, sides) {
  const share = (/** @type {Side} */ side, /** @type {number} */ part) =>
    median(measured.map((round) => percentile(round[side], part))).toFixed(2);
  const ratios = (/** @type {Side} */ side, /** @type {Side} */ base, /** @type {number} */ part) =>
    describeRatios(measured.map((round) => percentile(round[side], part) / percentile(round[base], part)));
  return [
    [
      "side",
      "p50 ms",
      "p99 ms",
      "p50 to the bare page",
      "p99 to the bare page",
      "p50 to the bare frame",
      "p99 to the bare frame",
    ],
    ...sides.map((side) => [
      side,
      share(side, 0.5),
      share(side, 0.99),
      ratios(side, "page", 0.5),
      ratios(side, "page", 0.99),
      ratios(side, "frame", 0.5),
      ratios(side, "frame", 0.99),
    ]),
  ];
}
