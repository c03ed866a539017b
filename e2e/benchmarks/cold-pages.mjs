// @ts-check
/** Pages and gateways of the cold start: a page and a gateway per side. Both gateways run the same program. */
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { writeBuild } from "./other-build.mjs";
import { reportFrom } from "./rounds.mjs";

/** A build with the floor's script and widget, so that the same gateway program serves both sides. */
const FLOOR_BUILD = "node_modules/.cache/bench-floor";

/** The request code of each side's page. */
const ASK = {
  floor: "window.settled = finish;",
  bridge: `(window.availabilityBridge ||= []).push(async (connector) => finish(await connector.dispatch(
    { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } })));`,
};

/** @typedef {keyof typeof ASK} Side */

/**
 * @typedef {{ settled: string, done: number, tag: number }} Lap a page's report; times count from the start of the
 * navigation
 */

/**
 * Starts a gateway for each side, for pages of the given origin.
 *
 * @param {string} hostOrigin
 */
export async function startGateways(hostOrigin) {
  await writeBuild(FLOOR_BUILD, {
    script: "e2e/benchmarks/pages/floor-host.js",
    frame: "e2e/benchmarks/pages/floor-frame.js",
  });
  const settings = { GATEWAY_PORT: "0", ALLOWED_ORIGINS: hostOrigin };
  const ignore = () => {};
  return {
    floor: await startGatewayProcess(settings, ignore, `${FLOOR_BUILD}/server.js`),
    bridge: await startGatewayProcess(settings, ignore),
  };
}

/**
 * Builds a customer's page: the request in an inline script, then the script tag. The time of the tag is taken before
 * the tag.
 *
 * @param {Side} side
 * @param {string} gateway
 */
export function pageOfSide(side, gateway) {
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script>
    const tag = performance.now();
    const finish = ({ type }) => fetch(location.pathname + "/report", {
      method: "POST", body: JSON.stringify({ settled: type, done: performance.now(), tag }) });
    ${ASK[side]}
  </script><script async src="${gateway}/embed.js"></script>`;
}

/**
 * Opens a page in a new tab and waits for the page's report.
 *
 * @param {import("./browser.mjs").BenchBrowser} browser
 * @param {import("./site.mjs").BenchSite} host
 * @param {string} path
 * @returns {Promise<Lap>}
 * @throws {Error} if the page's request was not fulfilled.
 */
export async function visit(browser, host, path) {
  const lap = /** @type {Lap} */ (await reportFrom(browser, host, path));
  if (!lap.settled.endsWith("_FULFILLED")) throw new Error(`${path} settled as ${lap.settled}`);
  return lap;
}
