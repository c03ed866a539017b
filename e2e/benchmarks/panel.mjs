// @ts-check
/**
 * Measures the widget's panel: from the connection to the first frame of animation with a team of 13, and the work of a scroll through
 * 2,000 agents. A debugger is attached, which slows the first load of an iframe down.
 */
import { chromium } from "@playwright/test";
import { runnerImport } from "vite";
import { median } from "../../scripts/benchmarks/statistics.mjs";
import { bundle } from "../../scripts/bundle.mjs";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../scripts/testing/browsers.mjs";
import { serveSite } from "./site.mjs";

const SMALL_TEAM = 13;

const LARGE_TEAM = 2_000;

/** Steps of a scroll, one in each frame of animation. */
const STEPS = 300;

/**
 * @typedef {object} Scroll
 * @property {number} longestTaskMs 0 for none of the browser's "long tasks", which begin at 50 ms
 * @property {number} rows most rows in the document
 */

/**
 * Returns a row for each team: medians of the rounds, and the worst of them.
 *
 * @param {number} rounds
 */
export async function measurePanel(rounds) {
  /** @type {{ module: typeof import("../../gateway/test/live-gateway.ts") }} */
  const { module } = await runnerImport("./gateway/test/live-gateway.ts", { configFile: false, logLevel: "warn" });
  const host = await serveSite("localhost");
  const code = await bundle("dist/index.js", { format: "iife" });
  host.add(
    "/",
    `<!doctype html><title>CRM</title><div id="phone" style="width: 340px; height: 560px"></div><script>${code}</script>`,
  );
  const shown = [];
  const scrolls = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const size of [SMALL_TEAM, LARGE_TEAM]) {
      const live = await module.startLiveGateway({ allowedOrigins: [host.origin] });
      for (let userId = 1; userId <= size; userId += 1) await live.agents.set(userId, { status: "available" });
      const measured = await visit(`${host.origin}/`, live.origin, size);
      if (size === SMALL_TEAM) shown.push(measured.shownMs);
      else scrolls.push(measured.scroll);
      await live.close();
    }
  }
  host.close();
  const tasks = scrolls.map(({ longestTaskMs }) => longestTaskMs);
  return [
    ["panel", "median", "worst"],
    [`ms from the connection to a team of ${SMALL_TEAM} on the screen`, ...describe(shown)],
    [
      `ms of the longest task in a scroll through ${LARGE_TEAM.toLocaleString("en")} agents; 0 below 50`,
      ...describe(tasks),
    ],
    ["rows in the document meanwhile", ...describe(scrolls.map(({ rows }) => rows))],
  ];
}

/** @param {readonly number[]} values */
function describe(values) {
  return [median(values), Math.max(...values)].map((value) => String(Math.round(value)));
}

/**
 * Returns code that looks at a condition in each frame of animation. Not `waitForFunction`, which the widget's policy refuses.
 *
 * @param {string} condition
 */
function waitFor(condition) {
  return `new Promise((resolve) => {
    const look = () => ${condition} ? resolve() : requestAnimationFrame(look);
    look();
  })`;
}

/**
 * @param {string} address
 * @param {string} gateway
 * @param {number} size
 * @returns {Promise<{ shownMs: number, scroll: Scroll }>}
 */
async function visit(address, gateway, size) {
  const [{ executablePath, environment }] = findBrowsers();
  /** @type {Record<string, string | undefined>} */
  const env = { ...process.env, ...environment };
  const browser = await chromium.launch({ executablePath, args: BROWSER_ARGUMENTS, env });
  const page = await browser.newPage();
  await page.addInitScript(`
    new MutationObserver((_, observer) => {
      if (!document.querySelector(".agent")) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => (window.shownAt = performance.timeOrigin + performance.now())));
    }).observe(document, { childList: true, subtree: true });
  `);
  await page.goto(address);
  const connectedAt = Number(
    await page.evaluate(`(async () => {
      const container = document.querySelector("#phone");
      await bundled.connect({ src: "${gateway}/widget/", container }).ready;
      return performance.timeOrigin + performance.now();
    })()`),
  );
  const frame = page.frames().find((each) => each.url().startsWith(gateway));
  if (!frame) throw new Error("The page has no widget");
  await frame.evaluate(waitFor("window.shownAt"));
  const shownMs = Number(await frame.evaluate("window.shownAt")) - connectedAt;
  // The whole team, with the stream's snapshot.
  await frame.evaluate(waitFor(`document.querySelector(".rows")?.clientHeight > ${size} * 36`));
  /** @type {Scroll} */
  const scroll = await frame.evaluate(`(async () => {
    const list = document.querySelector("#list");
    const tasks = [0];
    const observer = new PerformanceObserver((entries) => tasks.push(...entries.getEntries().map(({ duration }) => duration)));
    let rows = 0;
    const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    // What the panel does as it opens is no part of the scroll.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    observer.observe({ entryTypes: ["longtask"] });
    for (let step = 1; step <= ${STEPS}; step += 1) {
      list.scrollTop = (list.scrollHeight * step) / ${STEPS};
      await nextFrame();
      rows = Math.max(rows, document.querySelectorAll(".agent, .heading").length);
    }
    await nextFrame();
    return { longestTaskMs: Math.max(...tasks), rows };
  })()`);
  await browser.close();
  return { shownMs, scroll };
}
