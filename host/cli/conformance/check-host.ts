/** Tries a page. */
import type { Browser } from "playwright-core";
import { createHostBench, type HostTarget } from "./host-bench.ts";
import { hostRules } from "./host-rules.ts";
import type { Report } from "./report.ts";
import { runRules } from "./run-rules.ts";

/** Tries the rules whose id is chosen, by widgets of the kit in the page's iframe. */
export async function checkHost(
  browser: Browser,
  target: HostTarget,
  isChosen: (id: string) => boolean = () => true,
): Promise<Report> {
  const results = await runRules(hostRules, createHostBench(browser, target), isChosen);
  return { side: "host", url: target.url.href, results };
}
