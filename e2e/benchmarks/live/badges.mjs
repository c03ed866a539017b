// @ts-check
/** Measures a thousand badges, from mounting to the last shown badge, against one batch and code written by hand. */

import { describeRatios, median } from "../../../scripts/benchmarks/statistics.mjs";
import { reportFrom, runRounds } from "../rounds.mjs";
import { serveSite } from "../site.mjs";
import { startLiveGateway } from "./gateways.mjs";
import { hostPage } from "./page.mjs";

const USERS = 1_000;

/** Pages of each side in each round, after an uncounted page. */
const LAPS = 5;

const SIDES = /** @type {const} */ (["floor", "control", "bridge"]);

/** @typedef {typeof SIDES[number]} Side */

/**
 * @typedef {{ fromMountMs: number, fromNavigationMs: number, longestTaskMs: number }} Lap a page's report; 0 without a
 * long task
 */

/**
 * @param {number} rounds
 * @returns {Promise<string[][]>}
 */
export async function measureBadges(rounds) {
  const host = await serveSite("localhost");
  const bare = await startLiveGateway({ hostOrigin: host.origin, isBare: true, users: USERS });
  const bridge = await startLiveGateway({ hostOrigin: host.origin, isBare: false, users: USERS });
  for (const side of SIDES) {
    const widget = (side === "bridge" ? bridge : bare).origin;
    host.add(`/${side}`, await hostPage("e2e/benchmarks/pages/badges-host.ts", { side, widget }));
  }
  const measured = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(host, round));
  host.close();
  await Promise.all([bare.stop(), bridge.stop()]);
  return tabulate(measured);
}

/**
 * @param {import("../site.mjs").BenchSite} host
 * @param {number} round
 */
function measureRound(host, round) {
  return runRounds(SIDES, { laps: LAPS, round }, async (browser, side) => {
    return /** @type {Lap} */ (await reportFrom(browser, host, `/${side}`));
  });
}

/** @param {readonly Record<Side, Lap[]>[]} measured */
function tabulate(measured) {
  const middle = (/** @type {Record<Side, Lap[]>} */ round, /** @type {Side} */ side, /** @type {keyof Lap} */ span) =>
    median(round[side].map((lap) => lap[span]));
  const row = (/** @type {"fromMountMs" | "fromNavigationMs"} */ span, /** @type {string} */ name) => {
    const ratios = (/** @type {Side} */ side) =>
      describeRatios(measured.map((round) => middle(round, side, span) / middle(round, "floor", span)));
    const milliseconds = (/** @type {Side} */ side) =>
      median(measured.map((round) => middle(round, side, span))).toFixed(1);
    return [name, milliseconds("floor"), milliseconds("bridge"), ratios("bridge"), ratios("control")];
  };
  const longest = (/** @type {Side} */ side) =>
    Math.max(...measured.flatMap((round) => round[side].map(({ longestTaskMs }) => longestTaskMs))).toFixed(0);
  const withLong = (/** @type {Side} */ side) =>
    measured.flatMap((round) => round[side].filter(({ longestTaskMs }) => longestTaskMs > 0)).length;
  const count = measured.length * LAPS;
  return [
    ["from … to all shown", "floor ms", "bridge ms", "bridge to the floor", "floor to itself"],
    row("fromMountMs", "mounting them"),
    row("fromNavigationMs", "the navigation's start"),
    ["longest task over 50 ms on the host", longest("floor"), longest("bridge"), "", longest("control")],
    [
      "pages with one",
      `${withLong("floor")} of ${count}`,
      `${withLong("bridge")} of ${count}`,
      "",
      `${withLong("control")} of ${count}`,
    ],
  ];
}
