// @ts-check
/** Measures a table of 5,000 rows with a badge each, against an earlier build's or a control's: only some are on the screen. */
import { describeRatios, median } from "../../../scripts/benchmarks/statistics.mjs";
import { reportFrom, runRounds } from "../rounds.mjs";
import { serveSite } from "../site.mjs";
import { startLiveGateway } from "./gateways.mjs";
import { hostPage } from "./page.mjs";

/** Agents of the table, as in the page. */
const AGENTS = 1_000;

/** Pages of each side in each round, after an uncounted page. */
const LAPS = 5;

/** @typedef {"control" | "before" | "bridge"} Side without another build the first side is the present one too: the noise */

/** @typedef {{ mountedMs: number, shownMs: number, longTasksMs: number }} Lap a page's report */

/**
 * @param {number} rounds
 * @param {string} [before] a built checkout of another revision, the side to compare with
 * @returns {Promise<string[][]>}
 */
export async function measureRows(rounds, before) {
  /** @type {readonly [Side, Side]} */
  const sides = [before === undefined ? "control" : "before", "bridge"];
  const [base] = sides;
  const host = await serveSite("localhost");
  const gateways = [];
  for (const side of sides) {
    const checkout = side === "before" ? before : undefined;
    const gateway = await startLiveGateway({ hostOrigin: host.origin, isBare: false, users: AGENTS, checkout });
    gateways.push(gateway);
    const data = { side: "bridge", widget: gateway.origin, checkout };
    host.add(`/${side}`, await hostPage("e2e/benchmarks/pages/rows-host.ts", data));
  }
  /** @type {Record<Side, Lap[]>[]} */
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    const laps = await runRounds(sides, { laps: LAPS, round }, async (browser, side) => {
      return /** @type {Lap} */ (await reportFrom(browser, host, `/${side}`));
    });
    measured.push(laps);
  }
  host.close();
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  const middle = (/** @type {Record<Side, Lap[]>} */ round, /** @type {Side} */ side, /** @type {keyof Lap} */ span) =>
    median(round[side].map((lap) => lap[span]));
  const row = (/** @type {string} */ name, /** @type {keyof Lap} */ span) => [
    name,
    ...sides.map((side) => median(measured.map((round) => middle(round, side, span))).toFixed(0)),
    describeRatios(measured.map((round) => middle(round, "bridge", span) / middle(round, base, span))),
  ];
  return [
    ["from the first row on", ...sides.map((side) => `${side} ms`), `bridge to ${base}`],
    row("the table is in the page", "mountedMs"),
    row("the rows on the screen show their agents", "shownMs"),
    row("all tasks over 50 ms on the host together", "longTasksMs"),
  ];
}
