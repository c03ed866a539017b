/** Memory of a connector that the page no longer uses. */

import type { Page } from "@playwright/test";
import type { Connector } from "../../host/index.ts";
import { connectorPage, expect, test } from "../fixtures/fixtures.ts";

declare global {
  interface Window {
    /** The connector without further references in the page. */
    forgotten: WeakRef<Connector>;
  }
}

/** Expects that the page's connector is garbage-collected, once pending timers have run. */
async function expectForgotten(page: Page): Promise<void> {
  const isForgotten = async (): Promise<boolean> => {
    await page.requestGC();
    return page.evaluate(() => window.forgotten.deref() === undefined);
  };
  await expect.poll(isForgotten, { timeout: 30_000 }).toBe(true);
}

test("a page that only removes the frame and drops the connector leaks nothing of it", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(async (src) => {
    const connector = window.connect({ src, heartbeatMs: 100, handshakeTimeoutMs: 120_000 });
    await connector.ready;
    document.querySelector("iframe")?.remove();
    window.forgotten = new WeakRef(connector);
  }, `${backend.origin}/widget/`);
  // The last heartbeat may still be due. The handshake timeout ends much later and must not keep the connector alive.
  await expectForgotten(page);
});

test("a page that removes the container during a watch, and drops the connector, leaks nothing of it", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(host.serve(connectorPage("<div></div>")));
  await page.evaluate(async (src) => {
    const container = document.querySelector("div");
    if (!container) throw new Error("The page has no container");
    const connector = window.connect({ src, container, heartbeatMs: 100 });
    await new Promise<void>((resolve) => {
      connector.observe(({ kind }) => void (kind === "settled" && resolve()));
      connector.watch(123, () => {});
    });
    container.remove();
    window.forgotten = new WeakRef(connector);
  }, `${backend.origin}/widget/`);
  await expectForgotten(page);
});
