/** A page of the host whose clock stands still and whose connector waits for a widget. */
import type { Page } from "@playwright/test";
import { ASK_123, connectorPage, stopClock } from "./fixtures.ts";
import type { HostSite } from "./host-site.ts";

declare global {
  interface Window {
    /** How many frames the page has had, and whether a document has been loaded in the last of them. */
    tries: Tries;
    /** What has been asked last. */
    asked: Promise<unknown>;
  }
}

export interface Tries {
  readonly mounted: number;
  readonly hasLoaded: boolean;
}

export interface WaitingPageOptions {
  readonly src: string;
  readonly handshakeTimeoutMs: number;
}

/** Opens the page and asks. A failed try is followed by another one within 100 ms, the next one within 200, and so on. */
export async function openWaiting(page: Page, host: HostSite, options: WaitingPageOptions): Promise<void> {
  await stopClock(page);
  await page.goto(host.serve(connectorPage('<div id="container"></div>')));
  await page.evaluate((given) => {
    const container = document.querySelector("#container");
    if (!container) throw new Error("The page has no container");
    window.tries = { mounted: 0, hasLoaded: false };
    new MutationObserver((records) => {
      const added = records.reduce((count, { addedNodes }) => count + addedNodes.length, 0);
      if (added > 0) window.tries = { mounted: window.tries.mounted + added, hasLoaded: false };
    }).observe(container, { childList: true });
    const onLoad = (): void => {
      window.tries = { ...window.tries, hasLoaded: true };
    };
    container.addEventListener("load", onLoad, true);
    window.connector = window.connect({ container, timeoutMs: 120_000, retryDelayMs: 100, ...given });
  }, options);
  await ask(page);
}

/** Asks, and goes on while the answer is outstanding. */
export async function ask(page: Page, timeoutMs?: number): Promise<void> {
  await page.evaluate(
    ([event, options]) => {
      window.asked = window.connector.dispatch(event, options);
    },
    [ASK_123, timeoutMs === undefined ? {} : { timeoutMs }] as const,
  );
}

/** How what was asked last settles. */
export function answer(page: Page): Promise<unknown> {
  return page.evaluate(() => window.asked);
}

/** How often the page has tried its address. */
export function tries(page: Page): Promise<Tries> {
  return page.evaluate(() => window.tries);
}
