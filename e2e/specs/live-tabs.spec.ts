/** One stream for the tabs of a browser, regardless of the features that browsers allow in third-party iframes. */
import type { BrowserContext, Page } from "@playwright/test";
import { type LiveGateway, startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { GENUINE_ONLY, token } from "../../gateway/test/self-describing-tokens.ts";
import { test as base, expect } from "../fixtures/fixtures.ts";
import { connectorPage } from "../fixtures/host-page.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { widgetFrame } from "../fixtures/unresponsive-widget.ts";

const test = base.extend<{ live: LiveGateway; signedIn: LiveGateway }>({
  live: async ({ host }, use) => {
    const live = await startLiveGateway({ allowedOrigins: [host.origin] });
    await use(live);
    await live.close();
  },
  signedIn: async ({ host }, use) => {
    const live = await startLiveGateway({ allowedOrigins: [host.origin], access: GENUINE_ONLY });
    await use(live);
    await live.close();
  },
});

interface Tabs {
  readonly context: BrowserContext;
  readonly host: HostSite;
  readonly live: LiveGateway;
}

/** Opens a tab whose page follows every user, with the given token, if any. */
async function openTab({ context, host, live }: Tabs, pageToken?: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(
    async ([src, given]) => {
      window.connector = window.connect({ src, ...(given !== undefined && { fetchToken: () => given }) });
      window.announced = [];
      window.connector.on("*", (event) => {
        if (/^(USER|AUTH)\./.test(event.type)) window.announced.push(event);
      });
      await window.connector.request("BUS.INIT", { services: ["USER"] });
    },
    [`${live.origin}/widget/`, pageToken] as const,
  );
  return page;
}

async function openTabs(tabs: Tabs, count: number): Promise<Page[]> {
  const pages: Page[] = [];
  for (let tab = 0; tab < count; tab += 1) pages.push(await openTab(tabs));
  return pages;
}

/** Opens a leading tab, and a tab that has received one agent from the leader. */
async function openTwoTabs(tabs: Tabs): Promise<[leader: Page, follower: Page]> {
  const leader = await openTab(tabs);
  const follower = await openTab(tabs);
  await expect.poll(() => announced(follower)).toHaveLength(1);
  return [leader, follower];
}

declare global {
  interface Window {
    /** The channels of a document in which `keepChannels` has run. */
    channels: BroadcastChannel[];
    deafened: { readonly channel: BroadcastChannel; readonly onmessage: BroadcastChannel["onmessage"] }[];
    postMessageToTabs: BroadcastChannel["postMessage"];
  }
}

/** Records a document's channels. */
function keepChannels(): void {
  window.channels = [];
  window.postMessageToTabs = BroadcastChannel.prototype.postMessage;
  window.BroadcastChannel = class extends BroadcastChannel {
    constructor(name: string) {
      super(name);
      window.channels.push(this);
    }
  };
}

const announced = (page: Page) => page.evaluate(() => window.announced);

/** Expects the given version as a tab's last. */
async function expectTold(page: Page, version: number): Promise<void> {
  await expect
    .poll(async () => (await announced(page)).at(-1)?.payload, { timeout: 20_000 })
    .toMatchObject({ version });
}

const streams = ({ calls }: LiveGateway) =>
  calls.filter(({ method, path }) => method === "GET" && path.endsWith("/stream"));

/** Features that a browser may block in third-party iframes. Messages between tabs get through in each case. */
const ALLOWANCES = [
  { allowed: "as the browser allows it", refuse: () => {}, mayHaveWorker: true },
  {
    allowed: "where there is no shared worker",
    refuse: () => Reflect.deleteProperty(window, "SharedWorker"),
    mayHaveWorker: false,
  },
  {
    // As in Chromium.
    allowed: "where the storage of third parties is blocked",
    refuse: () => {
      const request = () => Promise.reject(new DOMException("The request was denied.", "SecurityError"));
      Object.defineProperty(LockManager.prototype, "request", { value: request });
    },
    mayHaveWorker: false,
  },
];

for (const { allowed, refuse, mayHaveWorker } of ALLOWANCES) {
  test.describe(allowed, () => {
    test.beforeEach(({ context }) => context.addInitScript(refuse));

    test("twenty tabs make one stream, and a fetch in the twentieth fulfils", async ({ context, host, live }) => {
      test.slow();
      await live.agents.set(1, { status: "available" });
      const tabs = await openTabs({ context, host, live }, 20);
      const { version } = await live.agents.set(1, { status: "in_call" });
      for (const tab of tabs) await expectTold(tab, version);
      expect(streams(live)).toHaveLength(1);
      const fetched = tabs
        .at(-1)
        ?.evaluate(() => window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } }));
      await expect(fetched).resolves.toMatchObject({ status: "in_call" });
    });

    test("a tab that is closed hands the stream over, and nothing is lost", async ({ context, host, live }) => {
      await live.agents.set(1, { status: "available" });
      const [first, ...others] = await openTabs({ context, host, live }, 3);
      for (const tab of others) await expect.poll(() => announced(tab)).toHaveLength(1);
      await first?.close();
      const { version } = await live.agents.set(1, { status: "in_call" });
      for (const tab of others) await expectTold(tab, version);
      expect(live.openStreams()).toBe(1);
      const [, ...resumed] = streams(live);
      for (const { headers } of resumed) expect(headers["last-event-id"]).toEqual(expect.any(String));
      if (!mayHaveWorker) expect(resumed).toHaveLength(1);
    });

    test("a tab that navigates to another page hands the stream over", async ({ context, host, live }) => {
      await live.agents.set(1, { status: "available" });
      const [first, second] = await openTwoTabs({ context, host, live });
      await first.goto(host.serve("<!doctype html><title>Elsewhere</title>"));
      const { version } = await live.agents.set(1, { status: "in_call" });
      await expectTold(second, version);
      await expect.poll(live.openStreams).toBe(1);
    });

    // Only Chromium has a command that crashes a tab.
    test("a tab that crashes hands the stream over", { tag: "@chromium" }, async ({ context, host, live }) => {
      test.slow();
      await live.agents.set(1, { status: "available" });
      const [first, second] = await openTwoTabs({ context, host, live });
      const session = await context.newCDPSession(first);
      const crashed = first.waitForEvent("crash");
      void session.send("Page.crash").catch(() => {});
      await crashed;
      const { version } = await live.agents.set(1, { status: "in_call" });
      await expectTold(second, version);
      await expect.poll(live.openStreams).toBe(1);
    });

    test("a tab that neither receives nor answers is replaced, and steps down once it receives again", async ({
      context,
      host,
      live,
    }) => {
      test.skip(mayHaveWorker, "A worker leads, which no test can keep from hearing");
      test.slow();
      await context.addInitScript(keepChannels);
      await live.agents.set(1, { status: "available" });
      const [first, second] = await openTwoTabs({ context, host, live });
      const widget = widgetFrame(first, live);
      await widget.evaluate(() => {
        window.deafened = window.channels.map((channel) => ({ channel, onmessage: channel.onmessage }));
        for (const { channel } of window.deafened) channel.onmessage = null;
        BroadcastChannel.prototype.postMessage = () => {};
      });
      const { version } = await live.agents.set(1, { status: "in_call" });
      await expectTold(second, version);
      expect(live.openStreams()).toBe(2);
      await widget.evaluate(() => {
        for (const { channel, onmessage } of window.deafened) channel.onmessage = onmessage;
        BroadcastChannel.prototype.postMessage = window.postMessageToTabs;
      });
      const { version: later } = await live.agents.set(1, { status: "offline" });
      await expectTold(first, later);
      await expectTold(second, later);
      await expect.poll(live.openStreams).toBe(1);
    });
  });
}

// In Firefox the stream restarts, from its cursor, when the first tab is closed.
test("a tab that is closed takes no stream with it if a shared worker has the stream", { tag: "@chromium" }, async ({
  context,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  const [first, second] = await openTwoTabs({ context, host, live });
  // Browsers block both features or none.
  const isRefused = await widgetFrame(second, live).evaluate(() =>
    navigator.locks.request("a test's", { ifAvailable: true }, () => false).catch(() => true),
  );
  test.skip(isRefused, "This browser keeps shared workers from a frame of another site");
  await first.close();
  const { version } = await live.agents.set(1, { status: "in_call" });
  await expectTold(second, version);
  expect(streams(live)).toHaveLength(1);
});

test("two sign-ins share nothing", async ({ context, host, signedIn: live }) => {
  await live.agents.set(1, { status: "available" });
  const tabs = { context, host, live };
  for (const agent of ["7", "7", "8"]) {
    const tab = await openTab(tabs, token(agent));
    await expect.poll(() => announced(tab)).toHaveLength(1);
  }
  expect(streams(live).map(({ headers }) => headers.authorization)).toEqual([
    `Bearer ${token("7")}`,
    `Bearer ${token("8")}`,
  ]);
});

test("a page that names another agent in a token of its own making receives nothing from that agent's tabs", async ({
  context,
  host,
  signedIn: live,
}) => {
  await live.agents.set(1, { status: "available" });
  const tabs = { context, host, live };
  const genuine = await openTab(tabs, token("7"));
  await expect.poll(() => announced(genuine)).toHaveLength(1);
  const forged = await openTab(tabs, token("7", "forged"));
  await expect.poll(() => announced(forged)).toEqual([{ type: "AUTH.SESSION_EXPIRED" }]);
  const { version } = await live.agents.set(1, { status: "in_call" });
  await expectTold(genuine, version);
  expect(await announced(forged)).toHaveLength(1);
});
