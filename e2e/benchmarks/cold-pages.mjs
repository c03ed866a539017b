// @ts-check
/** Pages and gateways of the cold start: a page and a gateway per side. All gateways but that of another build run the same program. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { writeBuild } from "./other-build.mjs";
import { reportFrom } from "./rounds.mjs";

/** A build with the floor's script and widget, so that the same gateway program serves both sides. */
const FLOOR_BUILD = "node_modules/.cache/bench-floor";

/** The code of the floor's page: what its script calls with the answer. */
const FLOOR_ASK = "window.settled = finish;";

/** The code of every other page, by the tag or by the snippet. */
const BRIDGE_ASK = `(window.availabilityBridge ||= []).push(async (connector) => finish(await connector.dispatch(
    { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } })));`;

/** @typedef {"floor" | "control" | "before" | "tag" | "snippet"} Side `control` is a second floor */

/**
 * @typedef {{ settled: string, done: number }} Lap a page's report; `done` counts from the start of the navigation
 */

/**
 * Starts the gateways of the floor, of this build and of another one, for pages of the given origin.
 *
 * @param {string} hostOrigin
 * @param {string} [before] a built checkout of another revision
 * @returns {Promise<{ originOf: (side: Side) => string, stop: () => Promise<unknown> }>}
 */
export async function startGateways(hostOrigin, before) {
  await writeBuild(FLOOR_BUILD, {
    script: "e2e/benchmarks/pages/floor-host.js",
    frame: "e2e/benchmarks/pages/floor-frame.js",
  });
  const start = (/** @type {string | undefined} */ program) =>
    startGatewayProcess({ GATEWAY_PORT: "0", ALLOWED_ORIGINS: hostOrigin }, () => {}, program);
  const floor = await start(`${FLOOR_BUILD}/server.js`);
  const bridge = await start(undefined);
  const earlier = before === undefined ? bridge : await start(findProgram(before));
  return {
    originOf: (side) => ({ floor, control: floor, before: earlier, tag: bridge, snippet: bridge })[side].origin,
    stop: () => Promise.all([floor, bridge, earlier].map((gateway) => gateway.stop())),
  };
}

/** @param {string} before */
function findProgram(before) {
  const program = path.resolve(before, "gateway/dist/server.js");
  if (!existsSync(program)) throw new Error(`--before: expected a built checkout, not ${before}`);
  return program;
}

/**
 * Builds a customer's page: the request in an inline script, then the script tag or the snippet.
 *
 * @param {Side} side
 * @param {string} gateway
 */
export function pageOfSide(side, gateway) {
  const src = `${gateway}/embed.js`;
  const isFloor = side === "floor" || side === "control";
  const tag =
    side === "snippet"
      ? `<script data-src="${src}">${readFileSync("dist/fast-snippet.js", "utf8")}</script>`
      : `<script async src="${src}"></script>`;
  return `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script>
    const finish = ({ type }) => fetch(location.pathname + "/report", {
      method: "POST", body: JSON.stringify({ settled: type, done: performance.now() }) });
    ${isFloor ? FLOOR_ASK : BRIDGE_ASK}
  </script>${tag}`;
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
