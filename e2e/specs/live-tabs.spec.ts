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

/** Opens a tab and a second tab, and waits until the second tab has received an agent. */
async function openTwoTabs(tabs: Tabs): Promise<[first: Page, second: Page]> {
  const first = await openTab(tabs);
  const second = await openTab(tabs);
  await expect.poll(() => announced(second)).toHaveLength(1);
  return [first, second];
}

declare global {
  interface Window {
    /** The ports to a document's shared workers, from `keepPorts`. */
    workerPorts: MessagePort[];
    /** True if the document receives no message from new shared workers. */
    isDeaf: boolean;
    /** The versions received by a watch. */
    watched: number[];
  }
}

/** Records the ports of a document to its shared workers. */
function keepPorts(): void {
  window.workerPorts = [];
  window.isDeaf = false;
  window.SharedWorker = class extends SharedWorker {
    constructor(...given: ConstructorParameters<typeof SharedWorker>) {
      super(...given);
      window.workerPorts.push(this.port);
      if (window.isDeaf) Object.defineProperty(this.port, "onmessage", { set() {} });
    }
  };
}

async function expectFetched(page: Page | undefined): Promise<void> {
  const fetched = page?.evaluate(() =>
    window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } }),
  );
  await expect(fetched).resolves.toMatchObject({ userId: 1 });
}

const announced = (page: Page) => page.evaluate(() => window.announced);

/** Expects the given version as a tab's last. */
async function expectTold(page: Page, version: number): Promise<void> {
  await expect
    .poll(async () => (await announced(page)).at(-1)?.payload, { timeout: 20_000 })
    .toMatchObject({ version });
}

const lastStream = ({ calls }: LiveGateway) =>
  calls.filter(({ method, path }) => method === "GET" && path.includes("/stream")).at(-1);

const streams = ({ calls }: LiveGateway) =>
  calls.filter(({ method, path }) => method === "GET" && path.endsWith("/stream"));

test("twenty tabs make one stream, and a fetch in the twentieth fulfils", async ({ context, host, live }) => {
  test.slow();
  await live.agents.set(1, { status: "available" });
  const tabs = await openTabs({ context, host, live }, 20);
  const { version } = await live.agents.set(1, { status: "in_call" });
  for (const tab of tabs) await expectTold(tab, version);
  expect(streams(live)).toHaveLength(1);
  await expectFetched(tabs.at(-1));
});

test("closing a tab loses no change for the other tabs", async ({ context, host, live }) => {
  await live.agents.set(1, { status: "available" });
  const [first, ...others] = await openTabs({ context, host, live }, 3);
  for (const tab of others) await expect.poll(() => announced(tab)).toHaveLength(1);
  await first?.close();
  const { version } = await live.agents.set(1, { status: "in_call" });
  for (const tab of others) await expectTold(tab, version);
  expect(live.openStreams()).toBe(1);
  // Firefox may end the requests of a shared worker with the first tab.
  const [, ...resumed] = streams(live);
  for (const { headers } of resumed) expect(headers["last-event-id"]).toEqual(expect.any(String));
});

test("a tab that navigates to another page leaves the stream to the others", async ({ context, host, live }) => {
  await live.agents.set(1, { status: "available" });
  const [first, second] = await openTwoTabs({ context, host, live });
  await first.goto(host.serve("<!doctype html><title>Elsewhere</title>"));
  const { version } = await live.agents.set(1, { status: "in_call" });
  await expectTold(second, version);
  await expect.poll(live.openStreams).toBe(1);
});

test("the stream ends with the last tab", async ({ context, host, live }) => {
  await live.agents.set(1, { status: "available" });
  const tabs = await openTwoTabs({ context, host, live });
  // Closed, and not navigated: with the last page kept, the browser may freeze the worker before the news of the tab's end.
  for (const tab of tabs) await tab.close();
  await expect.poll(live.openStreams).toBe(0);
});

// Only Chromium has a command for the crash of a tab. The worker may crash with the tab.
test("a tab that crashes leaves the others right", { tag: "@chromium" }, async ({ context, host, live }) => {
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

test("a tab with a silent worker opens a separate stream", async ({ context, host, live }) => {
  test.slow();
  await context.addInitScript(keepPorts);
  await live.agents.set(1, { status: "available" });
  const [first, second] = await openTwoTabs({ context, host, live });
  await widgetFrame(second, live).evaluate(() => {
    window.isDeaf = true;
    for (const port of window.workerPorts) port.onmessage = null;
  });
  const { version } = await live.agents.set(1, { status: "in_call" });
  await expectTold(first, version);
  await expectTold(second, version);
  expect(live.openStreams()).toBe(2);
});

test("tabs with watches of different agents share one stream of these agents", async ({ context, host, live }) => {
  for (const userId of [1, 2, 3]) await live.agents.set(userId, { status: "available" });
  const tabs: Page[] = [];
  for (const userId of [1, 2]) {
    const page = await context.newPage();
    await page.goto(host.serve(connectorPage()));
    await page.evaluate(
      ([src, id]) => {
        window.connector = window.connect({ src });
        window.watched = [];
        window.connector.watch(id, ({ version }) => window.watched.push(version));
      },
      [`${live.origin}/widget/`, userId] as const,
    );
    await expect.poll(() => page.evaluate(() => window.watched.length)).toBe(1);
    tabs.push(page);
  }
  const userIds = () => new URL(`http://gateway${lastStream(live)?.path}`).searchParams.get("userIds");
  await expect.poll(userIds).toBe("1,2");
  for (const [index, tab] of tabs.entries()) {
    const { version } = await live.agents.set(index + 1, { status: "in_call" });
    await expect.poll(() => tab.evaluate(() => window.watched.at(-1))).toBe(version);
  }
  for (const tab of tabs) expect(await tab.evaluate(() => window.watched.length)).toBe(2);
  expect(live.openStreams()).toBe(1);
});

/** Ways of a browser to deny a frame its shared workers. */
const DENIALS = [
  { denied: "there is no such thing", deny: () => void Reflect.deleteProperty(window, "SharedWorker") },
  {
    // As Firefox does in a frame with blocked cookies.
    denied: "the browser throws",
    deny: () => {
      window.SharedWorker = class extends SharedWorker {
        constructor(...[url]: ConstructorParameters<typeof SharedWorker>) {
          super(url);
          throw new DOMException("The operation is insecure.", "SecurityError");
        }
      };
    },
  },
  {
    // As Chromium does if the storage of all sites is blocked.
    denied: "the worker fires an error",
    deny: () => {
      window.SharedWorker = class extends SharedWorker {
        constructor(...given: ConstructorParameters<typeof SharedWorker>) {
          super(...given);
          this.port.close();
          setTimeout(() => this.dispatchEvent(new Event("error")));
        }
      };
    },
  },
];

for (const { denied, deny } of DENIALS) {
  test.describe(`without shared workers: ${denied}`, () => {
    test.beforeEach(({ context }) => context.addInitScript(deny));

    test("visible tabs have separate streams", async ({ context, host, live }) => {
      await live.agents.set(1, { status: "available" });
      const tabs = await openTabs({ context, host, live }, 3);
      await expect.poll(live.openStreams).toBe(3);
      const { version } = await live.agents.set(1, { status: "in_call" });
      for (const tab of tabs) await expectTold(tab, version);
    });
  });
}

test("without shared workers, twenty hidden tabs leave connections for a visible tab, and catch up", async ({
  context,
  host,
  live,
}) => {
  test.slow();
  await context.addInitScript(DENIALS[0]?.deny ?? (() => {}));
  await context.addInitScript(() => {
    if (window !== parent) Object.defineProperty(document, "visibilityState", { configurable: true, value: "hidden" });
  });
  await live.agents.set(1, { status: "available" });
  const tabs = await openTabs({ context, host, live }, 20);
  const last = tabs.at(-1);
  if (!last) throw new Error("There is no tab");
  await widgetFrame(last, live).evaluate(() => {
    Object.defineProperty(document, "visibilityState", { configurable: true, value: "visible" });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expectFetched(last);
  await expect.poll(live.openStreams).toBe(1);
  const { version } = await live.agents.set(1, { status: "in_call" });
  for (const tab of tabs.reverse()) await expectTold(tab, version);
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
