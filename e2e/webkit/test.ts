/** Fixtures of the tests in WebKit: the sites of every runner, and the page of the run's only session. */
import { test as base, inject } from "vitest";
import { ASK_123, connectorPage } from "../fixtures/host-page.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { type Sites, sites } from "../fixtures/sites.ts";
import { type DrivenPage, drivePage } from "./webdriver.ts";

declare global {
  interface Window {
    /** The request under test. */
    inFlight: { readonly settled: Promise<unknown>; abort(): void };
  }
}

interface Fixtures extends Sites {
  readonly page: DrivenPage;
}

export const test = base.extend<Fixtures>({
  ...sites,
  page: async ({}, use) => {
    const page = drivePage(inject("webKitSession"));
    await use(page);
    // Stops the scripts of a test before the next test.
    await page.open("about:blank");
  },
});

/** Opens a host's page that has connected to the widget at `origin`. The page's connector is `window.connector`. */
export async function openConnected(page: DrivenPage, host: HostSite, origin: string, body = ""): Promise<void> {
  await page.open(host.serve(connectorPage(body)));
  await page.evaluate(async (src) => {
    window.connector = window.connect({ src });
    await window.connector.ready;
  }, `${origin}/widget/`);
}

/** Sends a request for agent 123 with the id `real`, and leaves it in flight as `window.inFlight`. */
export async function ask(page: DrivenPage, timeoutMs: number): Promise<void> {
  await page.evaluate(
    (event, life) => {
      const controller = new AbortController();
      const settled = window.connector.dispatch(event, { signal: controller.signal, timeoutMs: life });
      window.inFlight = { settled, abort: () => controller.abort() };
    },
    { ...ASK_123, meta: { id: "real" } } as const,
    timeoutMs,
  );
}

/** Waits for the in-flight request. */
export async function settle(page: DrivenPage): Promise<unknown> {
  return page.evaluate(() => window.inFlight.settled);
}
