/**
 * The widget in browsers with the settings of a user. With Playwright's flags, Chromium slows no timer down, shares a
 * frame's storage between all sites, and keeps no page for the way back. The projects of the tests here leave the flags
 * out, as the controls show.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BrowserContext, Frame, Page, Request } from "@playwright/test";
import { type LiveGateway, startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { test as base, connectorPage, expect } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { leaveAndReturn, openHidablePage } from "../fixtures/page-lifecycle.ts";
import { widgetFrame } from "../fixtures/unresponsive-widget.ts";

/** Settings of a user, in the browser's own form. */
interface Settings {
  /** The part `profile` of Chromium's preferences. */
  readonly chromium?: Readonly<Record<string, unknown>>;
  readonly firefox?: Readonly<Record<string, number | boolean>>;
}

interface Fixtures {
  /** Address of a page of another site than `host`'s, with the same content as `connectorPage`. */
  readonly foreignAddress: string;
  readonly live: LiveGateway;
  /** A page hidden by the browser behind a second tab. */
  readonly hidablePage: Page;
  /** Starts the browser with a new profile. */
  readonly openProfile: (settings: Settings) => Promise<BrowserContext>;
}

declare global {
  interface Window {
    /** Versions of agent 1 received by the page's watch. */
    versions: number[];
  }
}

const test = base.extend<Fixtures>({
  foreignAddress: async ({ host }, use) => {
    const address = new URL(host.serve(connectorPage()));
    // Browsers resolve the name to this machine without a name server.
    address.hostname = "foreign.localhost";
    await use(address.href);
  },
  live: async ({ host, foreignAddress }, use) => {
    const live = await startLiveGateway({ allowedOrigins: [host.origin, new URL(foreignAddress).origin] });
    await live.agents.set(1, { status: "available" });
    await use(live);
    await live.close();
  },
  hidablePage: ({ playwright, launchOptions }, use) => openHidablePage({ playwright, launchOptions }, use),
  openProfile: async ({ playwright, browserName, channel, launchOptions }, use) => {
    const directory = await mkdtemp(path.join(tmpdir(), `${browserName}-profile-`));
    const contexts: BrowserContext[] = [];
    await use(async ({ chromium, firefox }) => {
      if (chromium) {
        await mkdir(path.join(directory, "Default"));
        await writeFile(path.join(directory, "Default/Preferences"), JSON.stringify({ profile: chromium }));
      }
      const context = await playwright[browserName].launchPersistentContext(directory, {
        ...launchOptions,
        ...(channel && { channel }),
        ...(firefox && { firefoxUserPrefs: { ...launchOptions.firefoxUserPrefs, ...firefox } }),
      });
      contexts.push(context);
      return context;
    });
    for (const context of contexts) await context.close();
    await rm(directory, { recursive: true, force: true });
  },
});

async function openWatching(context: BrowserContext, address: string, live: LiveGateway): Promise<Page> {
  const page = await context.newPage();
  await watch(page, address, live);
  return page;
}

/** Opens a page that watches agent 1, and waits for the agent's present version. */
async function watch(page: Page, address: string, live: LiveGateway): Promise<void> {
  await page.goto(address);
  await page.evaluate((src) => {
    window.versions = [];
    window.connector = window.connect({ src });
    window.connector.watch(1, ({ version }) => window.versions.push(version));
  }, `${live.origin}/widget/`);
  await expect.poll(() => page.evaluate(() => window.versions.length)).toBe(1);
}

/** Expects the given version as the last version received by the page's watch. */
async function expectTold(page: Page, version: number): Promise<void> {
  await expect.poll(() => page.evaluate(() => window.versions.at(-1))).toBe(version);
}

const countStreams = ({ calls }: LiveGateway) =>
  calls.filter(({ method, path: address }) => method === "GET" && address.includes("/stream")).length;

/** Runs timers of 50 ms in sequence. */
async function runTimers(document: Page | Frame, count: number): Promise<void> {
  await document.evaluate(async (left) => {
    for (let timer = 0; timer < left; timer += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  }, count);
}

/** Runs 15 timers in a frame while the visible page runs 60, and returns the winner. */
async function raceTimers(page: Page, frame: Frame): Promise<"frame" | "page"> {
  return Promise.race([
    runTimers(frame, 15).then(() => "frame" as const),
    runTimers(page, 60).then(() => "page" as const),
  ]);
}

test("the invisible widget's timers keep up with those of its page, and it loads no view", async ({
  page,
  host,
  live,
}) => {
  const views: string[] = [];
  page.on("request", (request) => {
    if (/\/assets\/.*view/.test(request.url())) views.push(request.url());
  });
  await page.goto(host.serve(connectorPage('<p style="height: 3000px">A long page</p>')));
  await page.evaluate(async (src) => {
    window.connector = window.connect({ src });
    await window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } });
  }, `${live.origin}/widget/`);
  expect(await raceTimers(page, widgetFrame(page, live))).toBe("frame");
  expect(views).toEqual([]);
});

test("control: this Chromium has the timers of a frame that is not displayed come once a second", {
  tag: "@chromium",
}, async ({ page, host, live }) => {
  const hidden = `<iframe style="display: none" src="${live.origin}/widget/"></iframe>`;
  await page.goto(host.serve(connectorPage(hidden)));
  expect(await raceTimers(page, widgetFrame(page, live))).toBe("page");
});

const PER_SITE = "the tabs of one site share a stream, and another site's have their own";
const PER_TAB = "each tab has its own stream";

interface Sharing {
  readonly title: string;
  readonly settings: Settings;
  /** True if the browser gives the widget the storage of a top-level page: the settings have taken effect. */
  readonly hasAccess: boolean;
  /** Number of streams for two tabs of a site and a tab of a second site. */
  readonly streams: 1 | 2 | 3;
}

const CHROMIUM: readonly Sharing[] = [
  {
    title: `cookies of third parties allowed: ${PER_SITE}`,
    settings: { chromium: { cookie_controls_mode: 0 } },
    hasAccess: true,
    streams: 2,
  },
  {
    title: `cookies of third parties blocked: ${PER_SITE}`,
    settings: { chromium: { cookie_controls_mode: 1 } },
    hasAccess: false,
    streams: 2,
  },
  {
    title: `storage of all sites blocked: ${PER_TAB}`,
    settings: { chromium: { default_content_setting_values: { cookies: 2 } } },
    hasAccess: false,
    streams: 3,
  },
];

const COOKIE_BEHAVIOR = "network.cookie.cookieBehavior";

const FIREFOX: readonly Sharing[] = [
  {
    title: `private windows: ${PER_SITE}`,
    settings: { firefox: { "browser.privatebrowsing.autostart": true } },
    hasAccess: false,
    streams: 2,
  },
  {
    title: "cookies of trackers alone blocked: the tabs of all sites share a stream",
    settings: { firefox: { [COOKIE_BEHAVIOR]: 4 } },
    hasAccess: true,
    streams: 1,
  },
  {
    title: `cookies of third parties blocked: ${PER_TAB}`,
    settings: { firefox: { [COOKIE_BEHAVIOR]: 1 } },
    hasAccess: false,
    streams: 3,
  },
];

interface Pages extends Pick<Fixtures, "foreignAddress" | "live"> {
  readonly context: BrowserContext;
  readonly host: HostSite;
}

/**
 * Opens two tabs of a site and a tab of a second site, expects the number of streams until all tabs have a change, and
 * returns the tabs.
 */
async function expectStreams(count: number, { context, host, foreignAddress, live }: Pages): Promise<readonly Page[]> {
  const address = host.serve(connectorPage());
  const tabs: Page[] = [];
  for (const opened of [address, address, foreignAddress]) tabs.push(await openWatching(context, opened, live));
  await expect.poll(live.openStreams).toBe(count);
  const { version } = await live.agents.set(1, { status: "in_call" });
  // A tab receives changes by a stream alone, shared or not.
  for (const tab of tabs) await expectTold(tab, version);
  expect({ open: live.openStreams(), opened: countStreams(live) }).toEqual({ open: count, opened: count });
  return tabs;
}

for (const [browser, rows] of [
  ["Chromium", CHROMIUM],
  ["Firefox", FIREFOX],
] as const) {
  for (const { title, settings, hasAccess, streams } of rows) {
    test(`${browser}, ${title}`, { tag: [`@${browser.toLowerCase()}`, "@whole-browser"] }, async ({
      openProfile,
      host,
      foreignAddress,
      live,
    }) => {
      const context = await openProfile(settings);
      for (const tab of await expectStreams(streams, { context, host, foreignAddress, live })) {
        expect(await widgetFrame(tab, live).evaluate(() => document.hasStorageAccess())).toBe(hasAccess);
      }
    });
  }
}

// Contexts of the driver are private windows in Chromium, and ordinary windows in Firefox.
test(`as installed: ${PER_SITE}`, async ({ context, host, foreignAddress, live }) => {
  await expectStreams(2, { context, host, foreignAddress, live });
});

/** Opens a page with a visible widget, which watches nobody. */
async function openTeam(page: Page, host: HostSite, live: LiveGateway): Promise<void> {
  await page.goto(host.serve(connectorPage(`<div id="phone" style="width: 340px; height: 480px"></div>`)));
  await page.evaluate(async (src) => {
    const container = document.querySelector("#phone");
    if (!container) throw new Error("expected the container");
    window.connector = window.connect({ src, container });
    await window.connector.ready;
  }, `${live.origin}/widget/`);
  await expectShown(page, live, "Available");
}

/** Expects the status of agent 1 in the widget. */
async function expectShown(page: Page, live: LiveGateway, status: string): Promise<void> {
  const read = () => widgetFrame(page, live).evaluate(() => document.querySelector(".agent .status")?.textContent);
  await expect.poll(read).toBe(status);
}

test("a visible widget of a page that watches nobody ends its stream in a hidden tab, and has one when it is shown", {
  tag: "@chromium",
}, async ({ hidablePage: page, host, live }) => {
  await openTeam(page, host, live);
  await expect.poll(live.openStreams).toBe(1);
  const front = await page.context().newPage();
  await front.bringToFront();
  // It leaves at the stream's next heartbeat.
  await expect.poll(live.openStreams, { timeout: 30_000 }).toBe(0);
  await live.agents.set(1, { status: "in_call" });
  await page.bringToFront();
  await expectShown(page, live, "In call");
  await expect.poll(live.openStreams).toBe(1);
});

test("a hidden tab is told a change over the shared worker's stream", { tag: "@chromium" }, async ({
  hidablePage: page,
  host,
  live,
}) => {
  await watch(page, host.serve(connectorPage()), live);
  await expect.poll(live.openStreams).toBe(1);
  await (await page.context().newPage()).bringToFront();
  await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe("hidden");
  const { version } = await live.agents.set(1, { status: "in_call" });
  await expectTold(page, version);
  expect({ open: live.openStreams(), opened: countStreams(live) }).toEqual({ open: 1, opened: 1 });
});

test.describe("back/forward cache", { tag: "@whole-browser" }, () => {
  /** Opens a page with the script tag and a badge, and waits until the badge is right. */
  async function openBadge(page: Page, host: HostSite, live: LiveGateway): Promise<void> {
    const badge = `<availability-badge user-id="1"></availability-badge>`;
    await page.goto(
      host.serve(`<!doctype html><title>Host</title>${badge}<script src="${live.origin}/embed.js"></script>`),
    );
    await expectState(page, "available");
    await expect.poll(live.openStreams).toBe(1);
  }

  /**
   * Returns a function that lists the addresses of the requests under way, of page and frames. The drivers count the stream of
   * the shared worker at times, which keeps no page from being kept.
   */
  function watchRequests(page: Page): () => readonly string[] {
    const underWay = new Set<Request>();
    page.on("request", (request) => underWay.add(request));
    page.on("requestfinished", (request) => underWay.delete(request));
    page.on("requestfailed", (request) => underWay.delete(request));
    return () => [...underWay].map((request) => request.url()).filter((url) => !url.includes("/availabilities/stream"));
  }

  /** Expects the badge's state. Without a locator: in Firefox, a locator waits for the load of a kept page. */
  async function expectState(page: Page, state: string): Promise<void> {
    const read = () => page.evaluate(() => document.querySelector("availability-badge")?.getAttribute("data-state"));
    await expect.poll(read).toBe(state);
  }

  /** Leaves, changes the agent, returns, and expects a right badge. Returns true if the page was kept. */
  async function expectRightOnReturn(page: Page, host: HostSite, live: LiveGateway): Promise<boolean> {
    const isKept = await leaveAndReturn(page, host, async () => {
      await live.agents.set(1, { status: "in_call" });
    });
    await expectState(page, "in_call");
    await live.agents.set(1, { status: "available" });
    await expectState(page, "available");
    return isKept;
  }

  test("the browser keeps a page with a badge, which is right when the user comes back, and stays so", async ({
    page,
    browserName,
    host,
    live,
  }) => {
    const underWay = watchRequests(page);
    await openBadge(page, host, live);
    // Firefox keeps no page with a request under way, of the page or of a frame.
    if (browserName === "firefox") await expect.poll(underWay).toEqual([]);
    expect(await expectRightOnReturn(page, host, live)).toBe(true);
  });

  test("without shared workers, a page with a badge is right when the user comes back, and Firefox loads it anew", async ({
    page,
    browserName,
    host,
    live,
  }) => {
    await page.addInitScript(() => void Reflect.deleteProperty(window, "SharedWorker"));
    await openBadge(page, host, live);
    expect(await expectRightOnReturn(page, host, live)).toBe(browserName === "chromium");
  });

  test("the browser keeps a page with a visible widget that watches nobody, and the widget follows again when the user comes back", async ({
    page,
    browserName,
    host,
    live,
  }) => {
    await openTeam(page, host, live);
    await expect.poll(live.openStreams).toBe(1);
    const isKept = await leaveAndReturn(page, host, async () => {
      // Firefox freezes the worker together with the page, at times before the worker has closed the stream.
      if (browserName === "chromium") await expect.poll(live.openStreams).toBe(0);
    });
    expect(isKept).toBe(true);
    // The driver does not find the frame of a kept page, so that the gateway has to say it.
    await expect.poll(live.openStreams).toBe(1);
  });
});
