// @ts-check
/** Measures the cold start: from the navigation of a CRM's page to the first FULFILLED, through a gateway process. */

import { describeRatios, median } from "../../scripts/benchmarks/statistics.mjs";
import { pageOfSide, startGateways, visit } from "./cold-pages.mjs";
import { runRounds } from "./rounds.mjs";
import { serveSite } from "./site.mjs";

/** Navigations of each side in each round, after an uncounted navigation. */
const LAPS = 6;

/** The control is a second floor: its ratio to the floor shows the noise. */
const SIDES = /** @type {const} */ (["floor", "control", "bridge"]);

/** @typedef {typeof SIDES[number]} MeasuredSide */

/** @typedef {{ fromNavigation: number, fromTag: number }} Medians of one round, in milliseconds */

/** @param {number} rounds */
export async function measureCold(rounds) {
  const host = await serveSite("localhost");
  const gateways = await startGateways(host.origin);
  for (const side of SIDES) {
    const served = side === "control" ? "floor" : side;
    host.add(`/${side}`, pageOfSide(served, gateways[served].origin));
  }
  const measured = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(host, round));
  host.close();
  await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
  return tabulate(measured);
}

/**
 * @param {import("./site.mjs").BenchSite} host
 * @param {number} round
 */
async function measureRound(host, round) {
  const laps = await runRounds(SIDES, { laps: LAPS, round }, (browser, side) => visit(browser, host, `/${side}`));
  return { floor: summarize(laps.floor), control: summarize(laps.control), bridge: summarize(laps.bridge) };
}

/**
 * @param {readonly import("./cold-pages.mjs").Lap[]} laps
 * @returns {Medians}
 */
function summarize(laps) {
  return {
    fromNavigation: median(laps.map(({ done }) => done)),
    fromTag: median(laps.map(({ done, tag }) => done - tag)),
  };
}

/** @param {readonly Record<MeasuredSide, Medians>[]} measured */
function tabulate(measured) {
  const row = (/** @type {keyof Medians} */ span, /** @type {string} */ name) => {
    const ratios = (/** @type {MeasuredSide} */ side) =>
      describeRatios(measured.map((round) => round[side][span] / round.floor[span]));
    const milliseconds = (/** @type {MeasuredSide} */ side) =>
      median(measured.map((round) => round[side][span])).toFixed(1);
    return [name, milliseconds("floor"), milliseconds("bridge"), ratios("bridge"), ratios("control")];
  };
  return [
    ["from … to the first FULFILLED", "floor ms", "bridge ms", "bridge to the floor", "floor to itself"],
    row("fromNavigation", "the navigation's start"),
    row("fromTag", "the script tag's insertion"),
  ];
}
