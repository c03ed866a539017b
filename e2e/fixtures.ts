/** What the end-to-end tests start: the sites of every runner, and the demo's. */
import { test as base, type Page } from "@playwright/test";
import type {} from "../host/script.ts";
import { serveDemoSite } from "../scripts/demo-site.mjs";
import { startGatewayProcess } from "../scripts/gateway-process.mjs";
import { connectorPage } from "./host-page.ts";
import type { HostSite } from "./host-site.ts";
import { findFreePort } from "./local-server.ts";
import { type Sites, sites } from "./sites.ts";

interface Fixtures extends Sites {
  /** The demo page's address, over a gateway process of its own. */
  readonly demoAddress: string;
}

export const test = base.extend<Fixtures>({
  ...sites,
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern which fixtures this one needs.
  demoAddress: async ({}, use) => {
    // The gateway must know the demo's origin, and the demo the gateway's: one of the two ports is chosen first.
    const port = await findFreePort();
    const settings = { GATEWAY_PORT: "0", ALLOWED_ORIGINS: `http://localhost:${port}` };
    const gateway = await startGatewayProcess(settings, () => {});
    const demo = await serveDemoSite({ port, gateway });
    await use(demo.origin);
    demo.close();
    await gateway.stop();
  },
});

/** Opens a page of the host that has connected to the widget at `origin`. Its connector is `window.connector`. */
export async function openConnected(page: Page, host: HostSite, origin: string): Promise<void> {
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(async (src) => {
    window.connector = window.connect({ src });
    await window.connector.ready;
  }, `${origin}/widget/`);
}

/** What a page and its frames complain about: errors in the console, uncaught errors, and violated policies. */
export async function collectComplaints(page: Page): Promise<readonly string[]> {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      console.error(`violated: ${violatedDirective} by ${blockedURI}`);
    });
  });
  return complaints;
}

export { expect } from "@playwright/test";
export { ASK_123, AVAILABLE, connectorPage } from "./host-page.ts";
