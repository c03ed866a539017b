// @ts-check
/** Profiles the warm round trip: how much of it each part of the code takes, in the page and in the widget. */

import { chromium } from "@playwright/test";
import { bundle as bundleModule } from "../../scripts/bundle.mjs";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../scripts/testing/browsers.mjs";
import { pageOf } from "./bundle.mjs";
import { serveSite } from "./site.mjs";

const WARM_UP = 2_000;
const CALLS_IN_A_ROUND = 2_000;

/** Parts below this share of a window's time are added up. */
const SMALLEST_SHARE = 0.003;

/** Names of what V8 counts beside functions. */
const ENGINE = new Map([
  ["(program)", "the browser: messages between the processes, structured clone"],
  ["(garbage collector)", "garbage collector"],
  ["(idle)", "waiting for the other window"],
]);

/** @typedef {{ nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[], samples?: number[], timeDeltas?: number[] }} Profile */

/**
 * @param {number} rounds each of 2,000 calls; the profile is their mean
 */
export async function measureWarmProfile(rounds) {
  const calls = rounds * CALLS_IN_A_ROUND;
  const host = await serveSite("localhost");
  const widget = await serveSite("127.0.0.1");
  const hostHtml = await unminified("e2e/benchmarks/pages/profile-host.ts", "widget", widget.origin);
  const widgetHtml = await unminified("e2e/benchmarks/pages/bridge-frame.ts", "host", host.origin);
  host.add("/profile", hostHtml);
  widget.add("/bridge", widgetHtml);
  const [{ executablePath, environment }] = findBrowsers();
  const browser = await chromium.launch({
    executablePath,
    args: [...BROWSER_ARGUMENTS],
    env: { ...process.env, ...environment },
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${host.origin}/profile`);
  await page.evaluate((count) => window.runCalls(count), WARM_UP);
  const frame = page.frames().find((each) => each.url().startsWith(widget.origin));
  if (!frame) throw new Error("The page has no widget");
  const windows = [
    { name: "page", html: hostHtml, session: await context.newCDPSession(page) },
    { name: "widget", html: widgetHtml, session: await context.newCDPSession(frame) },
  ];
  for (const { session } of windows) {
    await session.send("Profiler.enable");
    await session.send("Profiler.setSamplingInterval", { interval: 100 });
    await session.send("Profiler.start");
  }
  await page.evaluate((count) => window.runCalls(count), calls);
  const rows = [["window", "part", "µs for each call"]];
  for (const { name, html, session } of windows) {
    const { profile } = await session.send("Profiler.stop");
    for (const [part, microseconds] of sumByPart(profile, html)) {
      rows.push([name, part, (microseconds / calls).toFixed(1)]);
    }
  }
  await browser.close();
  host.close();
  widget.close();
  return rows;
}

/**
 * Bundles a script into a document, with the names of its functions and, as comments, of its files.
 *
 * @param {string} entry
 * @param {string} key
 * @param {string} value
 */
async function unminified(entry, key, value) {
  const code = await bundleModule(entry, { minify: false });
  return pageOf(code.replaceAll("</script", "<\\/script")).replace("<body", () => `<body data-${key}="${value}"`);
}

/**
 * Adds up a profile's own times by the file of each function, the longest first.
 *
 * @param {Profile} profile
 * @param {string} html the document with the code
 * @returns {(readonly [string, number])[]}
 */
function sumByPart({ nodes, samples = [], timeDeltas = [] }, html) {
  const lines = html.split("\n");
  const parts = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame, lines)]));
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const [index, id] of samples.entries()) {
    const part = parts.get(id) ?? "unknown";
    sums.set(part, (sums.get(part) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const total = [...sums.values()].reduce((sum, each) => sum + each, 0);
  const large = [...sums].filter(([, each]) => each >= total * SMALLEST_SHARE).sort(([, a], [, b]) => b - a);
  const rest = total - large.reduce((sum, [, each]) => sum + each, 0);
  return [...large, ["parts below 0.3 %, together", rest]];
}

/**
 * @param {Profile["nodes"][number]["callFrame"]} callFrame
 * @param {readonly string[]} lines
 */
function partOf({ functionName, url, lineNumber }, lines) {
  if (url === "") return ENGINE.get(functionName) ?? `the browser's ${functionName || "functions"}`;
  const headings = lines
    .slice(0, lineNumber + 1)
    .flatMap((line) => /^\/\/ (?:#region )?(\S+\.m?[jt]s)$/.exec(line)?.[1] ?? []);
  const file = headings.at(-1) ?? "the page";
  return file.includes("node_modules/penpal") ? "penpal" : file;
}
