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

/** @typedef {"floor" | "control" | "before" | "bridge"} Side */

/**
 * @typedef {{ fromMountMs: number, fromNavigationMs: number, longestTaskMs: number }} Lap a page's report; 0 without a
 * long task
 */

/**
 * @param {number} rounds
 * @param {string} [before] a built checkout of another revision, measured as a further side
 * @returns {Promise<string[][]>}
 */
export async function measureBadges(rounds, before) {
  /** @type {readonly Side[]} */
  const sides = ["floor", "control", ...(before === undefined ? [] : /** @type {const} */ (["before"])), "bridge"];
  const host = await serveSite("localhost");
  const bare = await startLiveGateway({ hostOrigin: host.origin, isBare: true, users: USERS });
  const gateways = new Map([["bare", bare]]);
  for (const side of sides) {
    const checkout = side === "before" ? before : undefined;
    const isBare = side === "floor" || side === "control";
    const gateway = isBare ? bare : await startLiveGateway({ hostOrigin: host.origin, isBare, users: USERS, checkout });
    gateways.set(isBare ? "bare" : side, gateway);
    const data = { side: isBare ? "floor" : "bridge", widget: gateway.origin, checkout };
    host.add(`/${side}`, await hostPage("e2e/benchmarks/pages/badges-host.ts", data));
  }
  const measured = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(host, sides, round));
  host.close();
  await Promise.all([...gateways.values()].map((gateway) => gateway.stop()));
  return tabulate(measured, sides);
}

/**
 * @param {import("../site.mjs").BenchSite} host
 * @param {readonly Side[]} sides
 * @param {number} round
 */
function measureRound(host, sides, round) {
  return runRounds(sides, { laps: LAPS, round }, async (browser, side) => {
    return /** @type {Lap} */ (await reportFrom(browser, host, `/${side}`));
  });
}

/**
 * @param {readonly Record<Side, Lap[]>[]} measured
 * @param {readonly Side[]} sides
 */
function tabulate(measured, sides) {
  const shown = sides.filter((side) => side !== "control");
  const compared = [...shown.filter((side) => side !== "floor"), /** @type {const} */ ("control")];
  const middle = (/** @type {Record<Side, Lap[]>} */ round, /** @type {Side} */ side, /** @type {keyof Lap} */ span) =>
    median(round[side].map((lap) => lap[span]));
  const row = (/** @type {"fromMountMs" | "fromNavigationMs"} */ span, /** @type {string} */ name) => [
    name,
    ...shown.map((side) => median(measured.map((round) => middle(round, side, span))).toFixed(1)),
    ...compared.map((side) =>
      describeRatios(measured.map((round) => middle(round, side, span) / middle(round, "floor", span))),
    ),
  ];
  const longest = (/** @type {Side} */ side) =>
    Math.max(...measured.flatMap((round) => round[side].map(({ longestTaskMs }) => longestTaskMs))).toFixed(0);
  const withLong = (/** @type {Side} */ side) =>
    measured.flatMap((round) => round[side].filter(({ longestTaskMs }) => longestTaskMs > 0)).length;
  const blanks = compared.map(() => "");
  return [
    [
      "from … to all shown",
      ...shown.map((side) => `${side} ms`),
      ...compared.map(
        (side) => `${side === "control" ? "floor" : side} to ${side === "control" ? "itself" : "the floor"}`,
      ),
    ],
    row("fromMountMs", "mounting them"),
    row("fromNavigationMs", "the navigation's start"),
    ["longest task over 50 ms on the host", ...shown.map(longest), ...blanks],
    ["pages with one", ...shown.map((side) => `${withLong(side)} of ${measured.length * LAPS}`), ...blanks],
  ];
}
