/** Pages that are told of what changes, and the gateway that tells them. */
import type { Page } from "@playwright/test";
import { test as base } from "./fixtures.ts";
import { type LiveGateway, startLiveGateway } from "./live-gateway.ts";

export const test = base.extend<{ live: LiveGateway }>({
  live: async ({ host }, use) => {
    const live = await startLiveGateway({ allowedOrigins: [host.origin] });
    await use(live);
    await live.close();
  },
});

/** An event that was announced. */
export interface Announced {
  readonly type: string;
  readonly payload?: unknown;
}

declare global {
  interface Window {
    /** What was announced so far. */
    announced: Announced[];
  }
}

/** Keeps what the connector hears of users, and of the page's session. */
export async function keepAnnounced(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.announced = [];
    window.connector.on("*", (event) => {
      if (/^(USER|AUTH)\./.test(event.type)) window.announced.push(event);
    });
  });
}

export const announced = (page: Page) => page.evaluate(() => window.announced);
