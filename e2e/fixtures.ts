/** What the end-to-end tests start: the sites of every runner, and the demo's. */
import { randomBytes } from "node:crypto";
import { test as base, expect, type Page } from "@playwright/test";
import type { ConnectOptions } from "../host/index.ts";
import type {} from "../host/script.ts";
import { serveDemoSite } from "../scripts/demo-site.mjs";
import { startGatewayProcess } from "../scripts/gateway-process.mjs";
import { connectorPage } from "./host-page.ts";
import { type HostSite, startHostSite } from "./host-site.ts";
import { findFreePort } from "./local-server.ts";
import { type Sites, sites } from "./sites.ts";

/** How `ASK_123` settles where the bridge rejects it. */
export function rejectedBy(code: unknown): unknown {
  return {
    type: "API.FETCH_USER_AVAILABILITY_REJECTED",
    payload: { error: { code, message: expect.any(String), retryable: expect.any(Boolean) } },
    meta: { source: "bridge" },
  };
}

export interface Fixtures extends Sites {
  /** Somebody else's site. */
  readonly foreign: HostSite;
  /** The demo page's address, over a gateway process of its own. */
  readonly demoAddress: string;
}

export const test = base.extend<Fixtures>({
  ...sites,
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern which fixtures this one needs.
  foreign: async ({}, use) => {
    const foreign = await startHostSite();
    await use(foreign);
    await foreign.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above.
  demoAddress: async ({}, use) => {
    // The gateway must know the demo's origin, and the demo the gateway's: one of the two ports is chosen first.
    const port = await findFreePort();
    const tokenSecret = randomBytes(32).toString("base64url");
    const settings = {
      GATEWAY_PORT: "0",
      ALLOWED_ORIGINS: `http://localhost:${port}`,
      DEMO_TOKEN_SECRET: tokenSecret,
    };
    const gateway = await startGatewayProcess(settings, () => {});
    const demo = await serveDemoSite({ port, gateway, tokenSecret });
    await use(demo.origin);
    demo.close();
    await gateway.stop();
  },
});

/** Opens a page of the host that has connected to the widget at `origin`. Its connector is `window.connector`. */
export async function openConnected(page: Page, host: HostSite, origin: string, waits: Waits = {}): Promise<void> {
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(
    async (options) => {
      window.connector = window.connect(options);
      await window.connector.ready;
    },
    { src: `${origin}/widget/`, ...waits },
  );
}

/** The waiting times of a connector. */
export type Waits = Pick<ConnectOptions, "timeoutMs" | "handshakeTimeoutMs" | "retryDelayMs" | "heartbeatMs">;

/**
 * Stops the clock of the pages that are opened from now on, and of their frames: what happens while it stands happens
 * at once, and time passes by `page.clock.runFor` alone.
 */
export async function stopClock(page: Page): Promise<void> {
  await page.clock.install({ time: 0 });
  // Later than a busy machine can make it by itself, since a clock cannot be put back.
  await page.clock.pauseAt(600_000);
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

export { ASK_123, AVAILABLE, connectorPage, FULFILLED } from "./host-page.ts";
export { expect };
