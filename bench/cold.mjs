// @ts-check
/** The cold start: from the navigation of a CRM's page to the first FULFILLED, through a gateway process. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { startGatewayProcess } from "../scripts/gateway-process.mjs";
import { launchBrowser } from "./browser.mjs";
import { bundle } from "./bundle.mjs";
import { serveSite } from "./site.mjs";
import { describeRatios, median, rotate } from "./statistics.mjs";

/** Navigations of each side in each round, after one that is not counted. */
const LAPS = 6;

/** A build whose script and widget are the floor's, so that the same gateway program serves both sides. */
const FLOOR_BUILD = "node_modules/.cache/bench-floor";

const ASK = {
  floor: "window.settled = finish;",
  bridge: `(window.availabilityBridge ||= []).push(async (connector) => finish(await connector.dispatch(
    { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } })));`,
};

/** @param {number} rounds */
export async function measureCold(rounds) {
  await buildFloor();
  const host = await serveSite("localhost");
  const settings = { GATEWAY_PORT: "0", ALLOWED_ORIGINS: host.origin };
  const gateways = {
    floor: await startGatewayProcess(settings, () => {}, `${FLOOR_BUILD}/gateway/server.js`),
    bridge: await startGatewayProcess(settings, () => {}),
  };
  for (const side of /** @type {const} */ (["floor", "bridge"]))
    host.add(`/${side}`, page(gateways[side].origin, ASK[side]));
  const measured = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(host, round));
  host.close();
  await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
  return tabulate(measured);
}

/** @typedef {Record<"floor" | "bridge", { fromNavigation: number, fromTag: number }>} Round medians in milliseconds */

/**
 * @param {import("./site.mjs").BenchSite} host
 * @param {number} round
 * @returns {Promise<Round>}
 */
async function measureRound(host, round) {
  const browser = await launchBrowser();
  const laps = { floor: /** @type {Lap[]} */ ([]), bridge: /** @type {Lap[]} */ ([]) };
  for (let lap = 0; lap <= LAPS; lap += 1) {
    for (const side of rotate(/** @type {const} */ (["floor", "bridge"]), round + lap)) {
      const report = host.reportOf(`/${side}`);
      const tab = await browser.open(`${host.origin}/${side}`);
      const measured = /** @type {Lap} */ (await report);
      if (!measured.settled.endsWith("_FULFILLED")) throw new Error(`${side} settled as ${measured.settled}`);
      if (lap > 0) laps[side].push(measured);
      await browser.closeTab(tab);
    }
  }
  await browser.close();
  const summary = (/** @type {Lap[]} */ all) => ({
    fromNavigation: median(all.map(({ done }) => done)),
    fromTag: median(all.map(({ done, tag }) => done - tag)),
  });
  return { floor: summary(laps.floor), bridge: summary(laps.bridge) };
}

/** @typedef {{ settled: string, done: number, tag: number }} Lap what a page reports; times since its navigation began */

/** @param {readonly Round[]} measured */
function tabulate(measured) {
  const row = (/** @type {"fromNavigation" | "fromTag"} */ span, /** @type {string} */ name) => [
    name,
    median(measured.map(({ floor }) => floor[span])).toFixed(1),
    median(measured.map(({ bridge }) => bridge[span])).toFixed(1),
    describeRatios(measured.map(({ floor, bridge }) => bridge[span] / floor[span])),
  ];
  return [
    ["from … to the first FULFILLED", "floor ms", "bridge ms", "ratio to the floor"],
    row("fromNavigation", "the navigation's start"),
    row("fromTag", "the script tag's insertion"),
  ];
}

async function buildFloor() {
  mkdirSync(`${FLOOR_BUILD}/widget/assets`, { recursive: true });
  cpSync("dist/gateway", `${FLOOR_BUILD}/gateway`, { recursive: true });
  writeFileSync(`${FLOOR_BUILD}/embed.js`, await bundle("bench/pages/floor-host.js"));
  const frame = await bundle("bench/pages/floor-frame.js");
  writeFileSync(
    `${FLOOR_BUILD}/widget/index.html`,
    `<!doctype html><meta charset="utf-8"><meta name="availability-bridge" content=""><body><script>${frame}</script>`,
  );
  writeFileSync(`${FLOOR_BUILD}/widget/assets/nothing.js`, "");
}

/**
 * @param {string} gateway
 * @param {string} ask
 */
function page(gateway, ask) {
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script>
    const tag = performance.now();
    const finish = ({ type }) => fetch(location.pathname + "/report", {
      method: "POST", body: JSON.stringify({ settled: type, done: performance.now(), tag }) });
    ${ask}
  </script><script async src="${gateway}/embed.js"></script>`;
}
