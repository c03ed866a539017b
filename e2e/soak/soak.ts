/** `npm run soak`: repeats actions and checks that memory and object counts do not grow. */

import { type ChaosSetup, setUpChaos } from "../chaos/setup.ts";
import { startWidgetSite } from "../chaos/widget-site.ts";
import { type Gauge, openGauge } from "./gauge.ts";
import { type Growth, growthOf, type Sample } from "./growth.ts";
import { type Scenario, type ScenarioCounts, scenariosFor } from "./scenarios.ts";
import { tabulate } from "./table.ts";

/** Number of measurements, at even intervals. */
const MEASUREMENTS = 20;

/** Repetitions before the first measurement, while caches fill: a share of all repetitions, and a minimum number. */
const WARM_UP = { part: 0.1, times: 150 };

/**
 * The compiler's output comes and goes in steps of tens of kilobytes, which would hide a leak, so only the interpreter
 * runs.
 */
const STEADY_HEAP = "--js-flags=--no-opt --no-maglev --no-sparkplug --no-lazy-feedback-allocation --no-flush-bytecode";

/** Runs every scenario, prints a table for each, and returns true if every scenario passed. */
export async function runSoak(counts: ScenarioCounts): Promise<boolean> {
  const stage = await setUpChaos({ entry: "e2e/soak/page/soak-page.ts", browserArguments: [STEADY_HEAP] });
  let isGood = true;
  for (const scenario of scenariosFor(counts)) {
    const startedAt = Date.now();
    const growths = await runScenario(stage, scenario);
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    for (const [process, growth] of Object.entries(growths)) {
      const isAsExpected = scenario.isControl !== growth.every(({ isFlat }) => isFlat);
      console.log(
        `\n${scenario.title}, ${scenario.times} times, ${process} (${seconds} s)\n${tabulate(growth, scenario)}`,
      );
      if (!isAsExpected) console.log(scenario.isControl ? "The control shows no leak: none would be seen" : "It leaks");
      isGood &&= isAsExpected;
    }
  }
  await stage.close();
  return isGood;
}

/** Runs a scenario in a new page. Returns the growth of each process. */
async function runScenario(
  stage: ChaosSetup,
  scenario: Scenario,
): Promise<Readonly<Record<string, readonly Growth[]>>> {
  const { action, times, heapFloor, isWidgetMeasured } = scenario;
  const { browser, host, address, files } = stage;
  const site = await startWidgetSite({ files, allowedOrigin: host.origin });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address);
  const work = (count: number): Promise<void> =>
    page.evaluate(([what, often, src]) => window.soak[what](often, src), [
      action,
      count,
      `${site.origin}/widget/`,
    ] as const);
  await work(Math.max(WARM_UP.times, Math.ceil(times * WARM_UP.part)));
  const gauges: Record<string, Gauge> = { page: await openGauge(context, page) };
  const [, widget] = page.frames();
  if (isWidgetMeasured && widget) gauges["widget"] = await openGauge(context, widget);
  const samples: Record<string, Sample[]> = {};
  const share = Math.ceil(times / MEASUREMENTS);
  for (let done = 0; done <= share * MEASUREMENTS; done += share) {
    if (done > 0) await work(share);
    for (const [process, gauge] of Object.entries(gauges)) {
      samples[process] = [...(samples[process] ?? []), { done, reading: await gauge.read() }];
    }
  }
  await context.close();
  await site.refuse();
  return Object.fromEntries(
    Object.entries(samples).map(([process, taken]) => [process, growthOf(taken, { heapBytes: heapFloor })]),
  );
}
