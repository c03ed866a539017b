/** Setup of the chaos and the soak: a browser, a customer's site with a page, the built widget. */
import { type Browser, chromium } from "playwright";
import { type BuiltFiles, readBuiltFiles } from "../../gateway/assets/built-files.ts";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../scripts/testing/browsers.mjs";
import { bundle, pageOf } from "../benchmarks/bundle.mjs";
import { type HostSite, startHostSite } from "../fixtures/host-site.ts";

export interface ChaosSetup {
  readonly browser: Browser;
  readonly host: HostSite;
  /** The address of the page. */
  readonly address: string;
  /** The built widget. */
  readonly files: BuiltFiles;
  close(): Promise<void>;
}

export interface ChaosSetupOptions {
  /** Module at the start of the page's script. */
  readonly entry: string;
  /** HTML of the page before its script. */
  readonly body?: string;
  /** Arguments of the browser, beside those of every test. */
  readonly browserArguments?: readonly string[];
}

/** Opens the preferred browser, and serves the page. */
export async function setUpChaos({ entry, body = "", browserArguments = [] }: ChaosSetupOptions): Promise<ChaosSetup> {
  const files = await readBuiltFiles("gateway/dist");
  const script = await bundle(entry);
  const host = await startHostSite();
  const [{ executablePath, environment }] = findBrowsers();
  const browser = await chromium.launch({
    executablePath,
    args: [...BROWSER_ARGUMENTS, ...browserArguments],
    env: { ...process.env, ...environment },
  });
  return {
    browser,
    host,
    address: host.serve(pageOf(script).replace("<body>", () => `<body>${body}`)),
    files,
    async close() {
      await browser.close();
      await host.close();
    },
  };
}
