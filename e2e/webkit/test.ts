/** What the tests in WebKit start: the sites of every runner, and the page of the run's one session. */
import { test as base, inject } from "vitest";
import { ASK_123, connectorPage } from "../fixtures/host-page.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { type Sites, sites } from "../fixtures/sites.ts";
import { type DrivenPage, drivePage } from "./webdriver.ts";

declare global {
  interface Window {
    /** The request that a test looks at. */
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
    // Nothing of a test goes on behind the next one.
    await page.open("about:blank");
  },
});

/** Opens a page of the host that has connected to the widget at `origin`. Its connector is `window.connector`. */
export async function openConnected(page: DrivenPage, host: HostSite, origin: string, body = ""): Promise<void> {
  await page.open(host.serve(connectorPage(body)));
  await page.evaluate(async (src) => {
    window.connector = window.connect({ src });
    await window.connector.ready;
  }, `${origin}/widget/`);
}

/** Asks for agent 123, by a request named `real`, and leaves it in flight as `window.inFlight`. */
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

/** Waits for what is in flight. */
export async function settle(page: DrivenPage): Promise<unknown> {
  return page.evaluate(() => window.inFlight.settled);
}
