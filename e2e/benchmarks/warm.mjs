// @ts-check
/** Measures the warm round trip: page → widget → page, over an open connection. */

import { existsSync } from "node:fs";
import path from "node:path";
import { describeRatios, median } from "../../scripts/benchmarks/statistics.mjs";
import { launchBrowser } from "./browser.mjs";
import { bundle, pageOf } from "./bundle.mjs";
import { serveSite } from "./site.mjs";

const FRAMES = { channel: "channel-frame.js", penpal: "penpal-frame.js", bridge: "bridge-frame.ts" };

/** Possible paths of the bridge's frame in a checkout: the present path, and that of releases up to 0.1.0. */
const BRIDGE_FRAMES = ["e2e/benchmarks/pages/bridge-frame.ts", "bench/pages/bridge-frame.ts"];

/**
 * @param {number} rounds
 * @param {string} [before] a built checkout of another revision, measured as a further side
 */
export async function measureWarm(rounds, before) {
  const host = await serveSite("localhost");
  const widget = await serveSite("127.0.0.1");
  for (const [name, file] of Object.entries(FRAMES)) {
    widget.add(`/${name}`, withData("host", host.origin, pageOf(await bundle(`e2e/benchmarks/pages/${file}`))), {
      isolated: true,
    });
  }
  if (before !== undefined) {
    const frame = BRIDGE_FRAMES.map((file) => path.resolve(before, file)).find((file) => existsSync(file));
    if (!frame) throw new Error(`--before: expected a checkout with ${BRIDGE_FRAMES.join(" or ")}, not ${before}`);
    widget.add("/before", withData("host", host.origin, pageOf(await bundle(frame))), { isolated: true });
  }
  const connector = path.resolve(before ?? ".", "dist/index.js");
  const script = await bundle("e2e/benchmarks/pages/warm-host.js", [
    { find: /^\.\/before\.js$/, replacement: connector },
  ]);
  const page = withData("widget", widget.origin, pageOf(script));
  host.add("/warm", before === undefined ? page : withData("before", "", page), { isolated: true });
  /** @type {Record<string, number>[]} */
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    const browser = await launchBrowser();
    const report = host.reportOf("/warm");
    await browser.open(`${host.origin}/warm`);
    measured.push(readReport(await report));
    await browser.close();
  }
  host.close();
  widget.close();
  return tabulate(measured);
}

/** @param {readonly Record<string, number>[]} measured */
function tabulate(measured) {
  const ratios = (/** @type {string} */ side, /** @type {string} */ base) =>
    describeRatios(measured.map((round) => (round[side] ?? Number.NaN) / (round[base] ?? Number.NaN)));
  return [
    ["side", "p50 ms", "ratio to a bare MessageChannel", "ratio to bare penpal"],
    ...Object.keys(measured[0] ?? {}).map((side) => [
      side,
      median(measured.map((round) => round[side] ?? Number.NaN)).toFixed(3),
      ratios(side, "channel"),
      ratios(side, "penpal"),
    ]),
  ];
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} html
 */
function withData(name, value, html) {
  return html.replace("<body", () => `<body data-${name}="${value}"`);
}

/**
 * @param {unknown} report
 * @returns {Record<string, number>}
 */
function readReport(report) {
  const sides = Object.entries(report ?? {}).filter(([, value]) => typeof value === "number");
  if (sides.length === 0) throw new Error(`The page failed: ${JSON.stringify(report)}`);
  return Object.fromEntries(sides);
}
