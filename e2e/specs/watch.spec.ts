/** A page's watches, from the gateway's agents to the page's listeners. */
import type { Page } from "@playwright/test";
import { type LiveGateway, startLiveGateway } from "../../gateway/test/live-gateway.ts";
import type { WatchedAvailability } from "../../host/index.ts";
import { collectComplaints, connectorPage, expect, openConnected, stopClock } from "../fixtures/fixtures.ts";
import { test as base } from "../fixtures/kept-page.ts";
import { headersToPaste, linesToPaste } from "../fixtures/security-page.ts";
import { widgetFrame } from "../fixtures/unresponsive-widget.ts";

const test = base.extend<{ live: LiveGateway }>({
  live: async ({ host }, use) => {
    const live = await startLiveGateway({ allowedOrigins: [host.origin] });
    await use(live);
    await live.close();
  },
});

declare global {
  interface Window {
    /** Availabilities that listeners have received. */
    told: WatchedAvailability[];
    /** Cancels the watches. */
    unwatch: () => void;
    /** Statuses of watched users, with the code of an error. */
    statuses: string[];
    /** Types of the connector's sent events. */
    sent: string[];
  }
}

/** Watches users on the page, with a listener each. */
async function watch(page: Page, userIds: readonly number[]): Promise<void> {
  await page.evaluate((ids) => {
    const { connector } = window;
    window.told = [];
    window.sent = [];
    connector.observe((record) => {
      if (record.kind === "sent") window.sent.push(record.event.type);
    });
    const offs = ids.map((userId) => connector.watch(userId, (availability) => window.told.push(availability)));
    window.unwatch = () => {
      for (const off of offs) off();
    };
  }, userIds);
}

const heard = (page: Page) => page.evaluate(() => window.told);
const reloadFrame = (page: Page) =>
  page.evaluate(() => {
    const frame = document.querySelector("iframe");
    if (frame) frame.src = `${frame.src}`;
  });

test("makes one event, one call and one stream of 500 watches", async ({ page, host, live }) => {
  const userIds = Array.from({ length: 500 }, (_, index) => index + 1);
  for (const userId of userIds) await live.agents.set(userId, { status: "available" });
  await openConnected(page, host, live.origin);
  await watch(page, userIds);
  await expect.poll(async () => (await heard(page)).length).toBe(500);
  await expect.poll(live.openStreams).toBe(1);
  const { version } = await live.agents.set(250, { status: "in_call" });
  await expect.poll(async () => (await heard(page)).at(-1)).toMatchObject({ userId: 250, status: "in_call", version });
  expect(await heard(page)).toHaveLength(501);
  expect(live.calls.map(({ path }) => path.replace(/\?.*/, "")).sort()).toEqual([
    "/v1/availabilities",
    "/v1/availabilities/stream",
  ]);
  expect(await page.evaluate(() => window.sent)).toEqual(["API.CHANGE_WATCHED_USERS"]);
});

test("sends the watch list once in the first load of a page, also if `pageshow` comes after the widget", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  let show = (): void => {};
  const isReady = new Promise<void>((resolve) => (show = resolve));
  // The page is not loaded, and so not shown, before its image has come.
  await page.route("**/late.png", async (route) => {
    await isReady;
    await route.fulfill({ status: 404 });
  });
  const script = `import { connect } from "/dist/index.js";
    window.sent = [];
    addEventListener("pageshow", () => { window.isShown = true; });
    window.connector = connect({ src: "${live.origin}/widget/" });
    connector.observe(({ kind, event }) => kind === "sent" && sent.push(event.type));
    connector.watch(1, () => { document.title = "heard"; });`;
  const html = `<!doctype html><title>-</title><link rel="icon" href="data:,"><script type="module">${script}</script><img src="/late.png">`;
  await page.goto(host.serve(html), { waitUntil: "commit" });
  await expect(page).toHaveTitle("heard");
  await expect.poll(live.openStreams).toBe(1);
  expect(await page.evaluate(() => Reflect.get(window, "isShown"))).toBeUndefined();
  show();
  await page.waitForFunction(() => Reflect.get(window, "isShown"));
  // A later request is answered after the requests that `pageshow` has caused.
  await page.evaluate(() => window.connector.request("BUS.PING", undefined));
  expect(await page.evaluate(() => window.sent)).toEqual(["BUS.REGISTER", "API.CHANGE_WATCHED_USERS", "BUS.PING"]);
});

test("delivers each change in the order of its version, once", async ({ page, host, live }) => {
  await live.agents.set(1, { status: "available" });
  await openConnected(page, host, live.origin);
  await watch(page, [1]);
  await expect.poll(live.openStreams).toBe(1);
  let last = 0;
  for (const status of ["in_call", "offline", "available"] as const) {
    last = (await live.agents.set(1, { status })).version;
  }
  await expect.poll(async () => (await heard(page)).at(-1)?.version).toBe(last);
  const versions = (await heard(page)).map(({ version }) => version);
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
});

test("continues after the widget's frame was reloaded, with the changes made meanwhile", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  await live.agents.set(2, { status: "available" });
  await openConnected(page, host, live.origin);
  await watch(page, [1, 2]);
  await expect.poll(async () => (await heard(page)).length).toBe(2);
  await reloadFrame(page);
  await live.agents.set(2, { status: "offline" });
  await expect.poll(async () => (await heard(page)).at(-1)).toMatchObject({ userId: 2, status: "offline" });
  await expect.poll(live.openStreams).toBe(1);
  await live.agents.set(1, { status: "in_call" });
  await expect.poll(async () => (await heard(page)).at(-1)).toMatchObject({ userId: 1, status: "in_call" });
  expect(await heard(page)).toHaveLength(4);
});

test("starts the page's announcements again after the frame was reloaded", async ({ page, host, live }) => {
  await live.agents.set(1, { status: "available" });
  await openConnected(page, host, live.origin);
  await watch(page, []);
  await page.evaluate(async () => {
    window.connector.on("USER.TEAMMATE_AVAILABILITY_CHANGED", ({ payload }) => window.told.push(payload));
    await window.connector.request("BUS.INIT", { services: ["USER"] });
  });
  await expect.poll(async () => (await heard(page)).length).toBe(1);
  await reloadFrame(page);
  await expect.poll(async () => (await heard(page)).length).toBe(2);
  await live.agents.set(1, { status: "offline" });
  await expect.poll(async () => (await heard(page)).at(-1)).toMatchObject({ userId: 1, status: "offline" });
});

test("continues in a new frame after the old one was removed from the page", async ({ page, host, live }) => {
  await live.agents.set(1, { status: "available" });
  await openConnected(page, host, live.origin);
  await watch(page, [1]);
  await expect.poll(async () => (await heard(page)).length).toBe(1);
  await page.evaluate(() => document.querySelector("iframe")?.remove());
  await live.agents.set(1, { status: "offline" });
  await expect.poll(async () => (await heard(page)).at(-1)).toMatchObject({ userId: 1, status: "offline" });
});

// Only Chromium has a command that crashes one frame's process.
test("notices when the page becomes visible again that the widget has crashed without a request in flight", {
  tag: "@chromium",
}, async ({ page, host, live, context }) => {
  await live.agents.set(1, { status: "available" });
  await openConnected(page, host, live.origin, { heartbeatMs: 200 });
  await watch(page, [1]);
  await expect.poll(async () => (await heard(page)).length).toBe(1);
  // Only a stream that has opened can end with the crash.
  await expect.poll(live.openStreams).toBe(1);
  const session = await context.newCDPSession(widgetFrame(page, live));
  void session.send("Page.crash").catch(() => {});
  await expect.poll(live.openStreams).toBe(0);
  await live.agents.set(1, { status: "offline" });
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
  await expect.poll(async () => (await heard(page)).at(-1)).toMatchObject({ userId: 1, status: "offline" });
  await expect.poll(live.openStreams).toBe(1);
});

test("ends the stream with the last listener, which receives nothing more", async ({ page, host, live }) => {
  await live.agents.set(1, { status: "available" });
  await openConnected(page, host, live.origin);
  await watch(page, [1]);
  await expect.poll(live.openStreams).toBe(1);
  await expect.poll(async () => (await heard(page)).length).toBe(1);
  await page.evaluate(() => window.unwatch());
  await expect.poll(live.openStreams).toBe(0);
  await live.agents.set(1, { status: "offline" });
  await page.evaluate(() => window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } }));
  expect(await heard(page)).toHaveLength(1);
});

/** A page with a badge for each user, small enough for 500 on the screen, with the script tag before or after the badges. */
function badgePage(origin: string, before: readonly number[], after: readonly number[]): string {
  const badges = (userIds: readonly number[]) =>
    userIds.map((userId) => `<availability-badge variant="dot" user-id="${userId}"></availability-badge>`).join(" ");
  return `<!doctype html><html lang="en"><head><title>Team</title><link rel="icon" href="data:,"></head><body>
    ${badges(before)}${linesToPaste("The script tag", origin)}${badges(after)}</body></html>`;
}

test("shows 500 badges with three calls at most, on a page of the strictest policies, before and after the script tag", async ({
  page,
  host,
  live,
}) => {
  const userIds = Array.from({ length: 500 }, (_, index) => index + 1);
  for (const userId of userIds) await live.agents.set(userId, { status: "available" });
  const complaints = await collectComplaints(page);
  const pasted = headersToPaste("A page with a Content-Security-Policy", live.origin)["content-security-policy"];
  const policy = `${pasted}; default-src 'none'; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'`;
  const html = badgePage(live.origin, userIds.slice(0, 250), userIds.slice(250));
  await page.goto(host.serve(html, { "content-security-policy": policy }));
  await expect(page.locator('availability-badge[data-callable="true"]')).toHaveCount(500);
  await expect.poll(live.openStreams).toBe(1);
  await live.agents.set(400, { status: "out_for_lunch" });
  const badge = page.locator('[user-id="400"]');
  await expect(badge).toHaveText("Out for lunch");
  await expect(badge).toHaveAttribute("data-callable", "false");
  // The stream, and a list of the first hundred badges, which are watched at once, if the widget is ready before the others are.
  expect(live.calls.length).toBeLessThanOrEqual(3);
  expect(complaints).toEqual([]);
});

test("shows the badges of two tags and of elements that come and go, each user watched once", async ({
  page,
  host,
  live,
}) => {
  for (const userId of [1, 2]) await live.agents.set(userId, { status: "available" });
  const tag = linesToPaste("The script tag", live.origin);
  await page.goto(host.serve(badgePage(live.origin, [1], [1]).replace("</body>", `${tag}</body>`)));
  const callable = page.locator('availability-badge[data-callable="true"]');
  await expect(callable).toHaveCount(2);
  await page.evaluate(() => {
    for (const badge of document.querySelectorAll("availability-badge")) badge.setAttribute("user-id", "2");
  });
  await expect(callable).toHaveCount(2);
  await live.agents.set(2, { status: "in_call" });
  await expect(page.locator('availability-badge[data-state="in_call"]')).toHaveText(["In call", "In call"]);
  await page.evaluate(() => {
    for (const badge of document.querySelectorAll("availability-badge")) badge.remove();
  });
  await expect.poll(live.openStreams).toBe(0);
});

test("reports an error while a deployment has removed the live part, and is live once a new document names it", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  // The document names a file that is gone, until the document is loaded again.
  let documents = 0;
  await page.route(`${live.origin}/widget/`, (route) => {
    if (route.request().isNavigationRequest()) documents += 1;
    return route.continue();
  });
  await page.route(/\/widget\/assets\/live-/, (route) =>
    documents < 2 ? route.fulfill({ status: 404 }) : route.continue(),
  );
  await openConnected(page, host, live.origin);
  await page.evaluate(() => {
    window.told = [];
    window.statuses = [];
    window.connector.watch(1, (availability) => window.told.push(availability), {
      onStatus: ({ status, error }) => window.statuses.push(error?.code ? `${status} ${error.code}` : status),
    });
  });
  const statuses = () => page.evaluate(() => window.statuses);
  await expect.poll(statuses, { timeout: 25_000 }).toContain("live");
  expect((await statuses())[0]).toBe("error BACKEND_UNREACHABLE");
  expect(documents).toBe(2);
  await expect.poll(live.openStreams).toBe(1);
  await live.agents.set(1, { status: "in_call" });
  await expect.poll(async () => (await heard(page)).at(-1)).toMatchObject({ userId: 1, status: "in_call" });
});

test("is live within 10 s after the live part has failed once, in the same document", async ({ page, host, live }) => {
  await live.agents.set(1, { status: "available" });
  let documents = 0;
  await page.route(`${live.origin}/widget/`, (route) => {
    documents += 1;
    return route.continue();
  });
  let attempts = 0;
  await page.route(/\/widget\/assets\/live-/, (route) => {
    attempts += 1;
    return attempts === 1 ? route.abort("connectionreset") : route.continue();
  });
  await openConnected(page, host, live.origin);
  await page.evaluate(() => {
    window.statuses = [];
    window.connector.watch(1, () => {}, { onStatus: ({ status }) => window.statuses.push(status) });
  });
  const statuses = () => page.evaluate(() => window.statuses);
  await expect.poll(statuses).toEqual(["error"]);
  await expect.poll(statuses, { timeout: 10_000 }).toEqual(["error", "live"]);
  expect(documents).toBe(1);
});

test("shows that an agent was removed, and that there is no such agent", async ({ page, host, live }) => {
  await live.agents.set(1, { status: "available" });
  await page.goto(host.serve(badgePage(live.origin, [1, 404], [])));
  const badge = page.locator('[user-id="1"]');
  await expect(badge).toHaveAttribute("data-callable", "true");
  await expect(page.locator('[user-id="404"]')).toHaveAttribute("data-state", "unknown");
  await expect.poll(live.openStreams).toBe(1);
  await live.agents.remove(1);
  await expect(badge).toHaveAttribute("data-state", "removed");
  await expect(badge).toHaveAttribute("data-callable", "false");
  await live.agents.set(1, { status: "in_call" });
  await expect(badge).toHaveAttribute("data-state", "in_call");
});

test("marks a badge as stale 45 s after the gateway's last sign of life, and is right again when it is back", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  await stopClock(page);
  await page.goto(host.serve(badgePage(live.origin, [1], [])));
  const badge = page.locator('[user-id="1"]');
  await expect(badge).toHaveAttribute("data-callable", "true");
  // The stream opens by timers of the widget, whose clock stands still as well.
  const passUntil = (isDone: () => Promise<void>) =>
    expect(async () => {
      await page.clock.runFor(200);
      await isDone();
    }).toPass();
  await passUntil(async () => expect(live.openStreams()).toBe(1));
  await live.close();
  await page.clock.runFor(46_000);
  await expect(badge).toHaveAttribute("data-stale", "true");
  await expect(badge).toHaveAttribute("data-callable", "false");
  await live.agents.set(1, { status: "in_call" });
  await live.open();
  await passUntil(() => expect(badge).toHaveAttribute("data-state", "in_call", { timeout: 100 }));
  await expect(badge).toHaveAttribute("data-stale", "false");
});

test("the visible widget follows the agent that it shows, and shows nothing to the next connector in its frame", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  await page.goto(host.serve(connectorPage(`<iframe src="${live.origin}/widget/" title="Phone"></iframe>`)));
  await page.evaluate(async () => {
    const frame = document.querySelector("iframe");
    if (!frame) throw new Error("expected the frame");
    window.connector = window.connect({ frame });
    window.connector.watch(1, () => {});
    await window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } });
  });
  const view = page.frameLocator("iframe").locator(".selection");
  await expect(view).toContainText("Agent 1: Available");
  await expect.poll(live.openStreams).toBe(1);
  await live.agents.set(1, { status: "in_call" });
  await expect(view).toContainText("Agent 1: In call");
  await live.agents.remove(1);
  await expect(view).toContainText("Agent 1: Removed");
  await page.evaluate(async () => {
    window.connector.destroy();
    const frame = document.querySelector("iframe");
    if (frame) window.connector = window.connect({ frame });
    await window.connector.ready;
  });
  await expect(view).toBeHidden();
});
