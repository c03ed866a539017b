/** Tries a widget. */
import type { Browser } from "playwright-core";
import type { Report } from "./report.ts";
import { runRules } from "./run-rules.ts";
import { openWidgetBench, type WidgetTarget } from "./widget-bench.ts";
import { createWidgetRules } from "./widget-rules/index.ts";

/** Tries the rules whose id is chosen, by pages of the kit around the widget. */
export async function checkWidget(
  browser: Browser,
  target: WidgetTarget,
  isChosen: (id: string) => boolean = () => true,
): Promise<Report> {
  const bench = await openWidgetBench(browser, target);
  try {
    const results = await runRules(createWidgetRules(target.vectors), bench, isChosen);
    return { side: "widget", url: target.url.href, results };
  } finally {
    await bench.close();
  }
}
