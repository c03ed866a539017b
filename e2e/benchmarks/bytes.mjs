// @ts-check
/**
 * Counts the bytes between a browser with an empty cache and a gateway, from the navigation of a CRM's page to its first
 * FULFILLED. Takes no times.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { median } from "../../scripts/benchmarks/statistics.mjs";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { launchBrowser } from "./browser.mjs";
import { pageOfSide } from "./cold-pages.mjs";
import { startCountingProxy } from "./counting-proxy.mjs";
import { launchFirefox } from "./firefox.mjs";
import { serveSite } from "./site.mjs";

const PROGRAM = "gateway/dist/server.js";

const BROWSERS = { Chromium: launchBrowser, Firefox: launchFirefox };

/**
 * @param {number} rounds
 * @param {string} [before] a built checkout of another revision, counted as a further side
 */
export async function measureBytes(rounds, before) {
  const host = await serveSite("localhost");
  const rows = [["browser", "build", "bytes to the browser", "bytes to the gateway", "connections"]];
  for (const [side, program] of Object.entries(programsOf(before))) {
    const settings = { GATEWAY_PORT: "0", ALLOWED_ORIGINS: host.origin };
    const gateway = await startGatewayProcess(settings, () => {}, program);
    await whenCompressed(`${gateway.origin}/widget/`);
    for (const [name, launch] of Object.entries(BROWSERS)) {
      const counted = [];
      for (let round = 0; round < rounds; round += 1)
        counted.push(await countVisit(launch, host, side, gateway.origin));
      const present = counted.filter((counts) => counts !== undefined);
      const middle = (/** @type {keyof import("./counting-proxy.mjs").Counts} */ count) =>
        present.length > 0 ? median(present.map((counts) => counts[count])).toLocaleString("en") : "not installed";
      rows.push([name, side, middle("toBrowser"), middle("toGateway"), middle("connections")]);
    }
    await gateway.stop();
  }
  host.close();
  return rows;
}

/**
 * @param {string} [before]
 * @returns {Record<string, string>} the gateway of each side
 */
function programsOf(before) {
  if (before === undefined) return { now: PROGRAM };
  const program = path.resolve(before, PROGRAM);
  if (!existsSync(program)) throw new Error(`--before: expected a checkout with ${PROGRAM}, not ${before}`);
  return { before: program, now: PROGRAM };
}

/** Waits until the gateway has compressed its document as it does for each further page of the customer, if it compresses. */
async function whenCompressed(/** @type {string} */ url) {
  for (;;) {
    const response = await fetch(url, { headers: { "Accept-Encoding": "gzip, br" } });
    await response.arrayBuffer();
    if (response.headers.get("Content-Encoding") !== "gzip") return;
    await setTimeout(50);
  }
}

/**
 * Counts one visit in a browser with an empty profile. `undefined` if the machine does not have the browser.
 *
 * @param {() => Promise<import("./browser.mjs").BenchBrowser | undefined>} launch
 * @param {import("./site.mjs").BenchSite} host
 * @param {string} side
 * @param {string} gateway
 */
async function countVisit(launch, host, side, gateway) {
  const browser = await launch();
  if (!browser) return undefined;
  const proxy = await startCountingProxy(gateway);
  host.add(`/${side}`, pageOfSide("tag", proxy.origin));
  const report = host.reportOf(`/${side}`);
  await browser.open(`${host.origin}/${side}`);
  const { settled } = /** @type {import("./cold-pages.mjs").Lap} */ (await report);
  const counts = proxy.read();
  await browser.close();
  proxy.close();
  if (!settled.endsWith("_FULFILLED")) throw new Error(`${side} settled as ${settled}`);
  return counts;
}
