// @ts-check
/**
 * Compares the widget's document with its script in the document, as it is built, and with its script in a file of its own
 * that browsers keep for a year, and keep compiled. In each browser of the machine, from the first visit to the tenth.
 */
import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { permutationAt } from "../../scripts/benchmarks/permutations.mjs";
import { describeRatios, median } from "../../scripts/benchmarks/statistics.mjs";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { launchBrowser } from "./browser.mjs";
import { pageOf } from "./bundle.mjs";
import { pageOfSide, visit } from "./cold-pages.mjs";
import { launchFirefox } from "./firefox.mjs";
import { reportFrom } from "./rounds.mjs";
import { serveSite } from "./site.mjs";

/** A build whose widget has its script in a file. */
const EXTERNAL_BUILD = "node_modules/.cache/bench-external";

/** Visits of each side in a browser with an empty profile. */
const VISITS = 10;

/**
 * Visits that count, by their numbers from 1. The tenth is the median of three, since a browser that keeps a compiled script
 * does so from the third to the fifth visit on.
 */
const COUNTED = { first: [1], second: [2], tenth: [8, 9, 10] };

const BROWSERS = { Chromium: launchBrowser, Firefox: launchFirefox };

/** The control is a second gateway with the script in the document. */
const SIDES = /** @type {const} */ (["inline", "control", "external"]);

/** @typedef {typeof SIDES[number]} Side */

/** @typedef {Record<Side, number[]>} Round milliseconds from the navigation to the first FULFILLED, by visit */

/** @param {number} rounds */
export async function measureInlineScript(rounds) {
  writeExternalBuild(EXTERNAL_BUILD);
  const host = await serveSite("localhost");
  const settings = { GATEWAY_PORT: "0", ALLOWED_ORIGINS: host.origin };
  const start = (/** @type {string} */ build) => startGatewayProcess(settings, () => {}, `${build}/server.js`);
  const gateways = {
    inline: await start("gateway/dist"),
    control: await start("gateway/dist"),
    external: await start(EXTERNAL_BUILD),
  };
  for (const side of SIDES) host.add(`/${side}`, pageOfSide("tag", gateways[side].origin));
  // The first page of a browser pays for the browser's start, and so is a page of no side.
  host.add("/start", pageOf('fetch("/start/report", { method: "POST", body: "{}" });'));
  const rows = [["browser", "visit", "inline ms", "external ms", "external to inline", "inline to itself"]];
  for (const [name, launch] of Object.entries(BROWSERS)) {
    /** @type {Round[]} */
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      const browser = await launch();
      if (browser) measured.push(await measureRound(browser, host, round));
    }
    rows.push(...(measured.length > 0 ? tabulate(name, measured) : [[name, "not installed", "", "", "", ""]]));
  }
  host.close();
  await Promise.all(Object.values(gateways).map((gateway) => gateway.stop()));
  return rows;
}

/**
 * @param {import("./browser.mjs").BenchBrowser} browser
 * @param {import("./site.mjs").BenchSite} host
 * @param {number} round
 * @returns {Promise<Round>}
 */
async function measureRound(browser, host, round) {
  await reportFrom(browser, host, "/start");
  const measured = /** @type {Round} */ ({ inline: [], control: [], external: [] });
  for (let lap = 0; lap < VISITS; lap += 1) {
    for (const side of permutationAt(SIDES, round * VISITS + lap)) {
      measured[side].push((await visit(browser, host, `/${side}`)).done);
    }
  }
  await browser.close();
  return measured;
}

/**
 * @param {string} browser
 * @param {readonly Round[]} measured
 */
function tabulate(browser, measured) {
  return Object.entries(COUNTED).map(([name, visits]) => {
    const middle = (/** @type {Round} */ round, /** @type {Side} */ side) =>
      median(visits.map((number) => round[side][number - 1] ?? Number.NaN));
    const milliseconds = (/** @type {Side} */ side) => median(measured.map((round) => middle(round, side))).toFixed(1);
    const ratios = (/** @type {Side} */ side) =>
      describeRatios(measured.map((round) => middle(round, side) / middle(round, "inline")));
    return [browser, name, milliseconds("inline"), milliseconds("external"), ratios("external"), ratios("control")];
  });
}

/**
 * Writes the present build with the widget's script as a file, into a directory.
 *
 * @param {string} directory
 */
function writeExternalBuild(directory) {
  rmSync(directory, { recursive: true, force: true });
  cpSync("gateway/dist", directory, { recursive: true });
  const html = readFileSync("gateway/dist/widget/index.html", "utf8");
  const [tag = "", code = ""] = /<script type="module">(.*)<\/script>/s.exec(html) ?? [];
  if (code === "") throw new Error("The widget's document has no script in it to take out");
  // The script's own imports are relative to its address.
  const moved = code.replaceAll("<\\/script", "</script").replaceAll("./assets/", "./");
  const name = `main-${createHash("sha256").update(moved).digest("hex").slice(0, 8)}.js`;
  writeFileSync(`${directory}/widget/assets/${name}`, moved);
  // A function, since a `$` in a replacement text is a pattern.
  writeFileSync(
    `${directory}/widget/index.html`,
    html.replace(tag, () => `<script type="module" src="./assets/${name}"></script>`),
  );
}
