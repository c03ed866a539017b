/** What all runs have in common: a browser, the customer's site with the page of the chaos, the built widget. */
import { type Browser, chromium } from "playwright";
import { bundle, pageOf } from "../../bench/bundle.mjs";
import { type BuiltFiles, readBuiltFiles } from "../../gateway/built-files.ts";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../scripts/browsers.mjs";
import { type HostSite, startHostSite } from "../host-site.ts";

export interface Stage {
  readonly browser: Browser;
  readonly host: HostSite;
  /** The address of the page. */
  readonly address: string;
  /** The built widget. */
  readonly files: BuiltFiles;
  close(): Promise<void>;
}

const PLACES = '<body><div id="place"><div id="left"></div></div><div id="elsewhere"></div>';

/** Opens the preferred browser and serves the page. */
export async function openStage(): Promise<Stage> {
  const files = await readBuiltFiles("dist");
  const script = await bundle("e2e/chaos/page/harness.ts");
  const host = await startHostSite();
  const [{ executablePath, environment }] = findBrowsers();
  const browser = await chromium.launch({
    executablePath,
    args: BROWSER_ARGUMENTS,
    env: { ...process.env, ...environment },
  });
  return {
    browser,
    host,
    address: host.serve(pageOf(script).replace("<body>", () => PLACES)),
    files,
    async close() {
      await browser.close();
      await host.close();
    },
  };
}
