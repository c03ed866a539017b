// @ts-check
/** Measures the cold start: from the navigation of a CRM's page to the first FULFILLED, through a gateway process. */

import { describeRatios, median } from "../../scripts/benchmarks/statistics.mjs";
import { pageOfSide, startGateways, visit } from "./cold-pages.mjs";
import { startDelayingProxy } from "./delaying-proxy.mjs";
import { runRounds } from "./rounds.mjs";
import { serveSite } from "./site.mjs";

/** Navigations of each side in each round, after an uncounted navigation. */
const LAPS = 6;

/**
 * @typedef {object} Condition
 * @property {number} roundTripMs of the network to the gateway; the network to the customer's page has no delay
 * @property {boolean} isNew the browser has no cached file of the gateway and no open connection
 * @property {boolean} [isThrottled] the browser slows down frames that do not show, as users' browsers do
 */

/** @type {readonly Condition[]} */
const CONDITIONS = [
  { roundTripMs: 0, isNew: false },
  { roundTripMs: 0, isNew: true },
  { roundTripMs: 40, isNew: false },
  { roundTripMs: 40, isNew: true },
  { roundTripMs: 0, isNew: false, isThrottled: true },
  { roundTripMs: 40, isNew: true, isThrottled: true },
];

/** @typedef {import("./cold-pages.mjs").Side} Side */

/**
 * Returns a row for each condition: the medians of the rounds' medians in milliseconds, and ratios.
 *
 * @param {number} rounds
 * @param {string} [before] a built checkout of another revision, measured as a further side
 */
export async function measureCold(rounds, before) {
  /** @type {readonly Side[]} */
  const sides = [
    "floor",
    "control",
    ...(before === undefined ? [] : [/** @type {const} */ ("before")]),
    "tag",
    "snippet",
  ];
  const host = await serveSite("localhost");
  const gateways = await startGateways(host.origin, before);
  const rows = [];
  for (const condition of CONDITIONS) {
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push(await measureRound({ host, gateways, sides, condition, round }));
    }
    rows.push([describe(condition), ...tabulate(measured, sides)]);
  }
  host.close();
  await gateways.stop();
  const shown = sides.filter((side) => side !== "control");
  const ratios = ["tag to the floor", "snippet to the floor", ...(before === undefined ? [] : ["before to the floor"])];
  return [["network, cache, flags", ...shown.map((side) => `${side} ms`), ...ratios, "floor to itself"], ...rows];
}

/** @param {Condition} condition */
function describe({ roundTripMs, isNew, isThrottled }) {
  const flags = isThrottled ? "the browser's own flags" : "Playwright's flags";
  return `${roundTripMs ? `${roundTripMs} ms` : "no delay"}, ${isNew ? "empty" : "filled"}, ${flags}`;
}

/**
 * @param {object} options
 * @param {import("./site.mjs").BenchSite} options.host
 * @param {Awaited<ReturnType<typeof startGateways>>} options.gateways
 * @param {readonly Side[]} options.sides
 * @param {Condition} options.condition
 * @param {number} options.round
 * @returns {Promise<Record<Side, number>>} medians in milliseconds
 */
async function measureRound({ host, gateways, sides, condition, round }) {
  const { roundTripMs, isNew, isThrottled = false } = condition;
  /** @type {Map<Side, import("./delaying-proxy.mjs").DelayingProxy>} */
  const proxies = new Map();
  let visits = 0;
  const laps = await runRounds(sides, { laps: LAPS, round, isThrottled }, async (browser, side) => {
    // The browser's caches are empty for a new address. A known address keeps the proxy for the round.
    if (isNew) proxies.get(side)?.close();
    const proxy =
      (isNew ? undefined : proxies.get(side)) ?? (await startDelayingProxy(gateways.originOf(side), roundTripMs));
    proxies.set(side, proxy);
    visits += 1;
    const path = `/${side}/${visits}`;
    host.add(path, pageOfSide(side, proxy.origin));
    return visit(browser, host, path);
  });
  for (const proxy of proxies.values()) proxy.close();
  const medians = /** @type {Record<Side, number>} */ ({});
  for (const side of sides) medians[side] = median(laps[side].map(({ done }) => done));
  return medians;
}

/**
 * @param {readonly Record<Side, number>[]} measured
 * @param {readonly Side[]} sides
 */
function tabulate(measured, sides) {
  const milliseconds = sides.filter((side) => side !== "control");
  /** @type {readonly Side[]} */
  const compared = [
    "tag",
    "snippet",
    ...(sides.includes("before") ? [/** @type {const} */ ("before")] : []),
    "control",
  ];
  return [
    ...milliseconds.map((side) => median(measured.map((round) => round[side])).toFixed(1)),
    ...compared.map((side) => describeRatios(measured.map((round) => round[side] / round.floor))),
  ];
}
