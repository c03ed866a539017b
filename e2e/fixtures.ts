/** What the end-to-end tests start: a host's site, a scripted backend or the real gateway, and the demo's site. */
import { test as base, type Page } from "@playwright/test";
import type { Connector, connect } from "../host/index.ts";
import type {} from "../host/script.ts";
import { serveDemoSite } from "../scripts/demo-site.mjs";
import { type GatewayProcess, startGatewayProcess } from "../scripts/gateway-process.mjs";
import { type HostSite, startHostSite } from "./host-site.ts";
import { findFreePort } from "./local-server.ts";
import { type ScriptedAnswer, type ScriptedBackend, startScriptedBackend } from "./scripted-backend.ts";

declare global {
  interface Window {
    /** `connect` of the built package, on pages made by `connectorPage`. */
    connect: typeof connect;
    /** The connector that a test works with. */
    connector: Connector;
    /** The widget's `post`, on the plain penpal page. */
    post(event: unknown): Promise<unknown>;
  }
}

/** Agent 123 is available. */
export const AVAILABLE: ScriptedAnswer = { status: 200, body: { userId: 123, status: "available", version: 7 } };

/** The seed's example. */
export const ASK_123 = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } } as const;

interface Fixtures {
  /** The customer's site. */
  readonly host: HostSite;
  /** Somebody else's site. */
  readonly foreign: HostSite;
  /** A backend that allows `host` and answers every call with `AVAILABLE` until a test says otherwise. */
  readonly backend: ScriptedBackend;
  /** The built gateway as a process of its own, which allows `host`. */
  readonly gateway: GatewayProcess;
  /** The demo page's address, over a gateway process of its own. */
  readonly demoAddress: string;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern which fixtures this one needs.
  host: async ({}, use) => {
    const host = await startHostSite();
    await use(host);
    await host.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above.
  foreign: async ({}, use) => {
    const foreign = await startHostSite();
    await use(foreign);
    await foreign.close();
  },
  backend: async ({ host }, use) => {
    const backend = await startScriptedBackend({ answers: AVAILABLE, allowedOrigins: [host.origin] });
    await use(backend);
    await backend.close();
  },
  gateway: async ({ host }, use) => {
    const gateway = await startGatewayProcess({ GATEWAY_PORT: "0", ALLOWED_ORIGINS: host.origin }, () => {});
    await use(gateway);
    await gateway.stop();
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above.
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

/** A page that has the built package's `connect` as a global. A nonce lets its inline scripts pass a strict policy. */
export function connectorPage(body = "", nonce = ""): string {
  return `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,">
    <script type="module" nonce="${nonce}">import { connect } from "/dist/index.js"; window.connect = connect;</script>
    </head><body>${body}</body></html>`;
}

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
