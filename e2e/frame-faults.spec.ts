/** What may befall the widget's frame while requests are in flight, and what becomes of them. */
import type { Frame, Page } from "@playwright/test";
import type { ConnectOptions } from "../host/index.ts";
import { ASK_123, AVAILABLE, connectorPage, expect, test } from "./fixtures.ts";
import type { HostSite } from "./host-site.ts";
import type { ScriptedBackend } from "./scripted-backend.ts";

const FULFILLED = {
  type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
  payload: { userId: 123, status: "available", version: 7 },
};

const rejected = (code: string) => ({
  type: "API.FETCH_USER_AVAILABILITY_REJECTED",
  payload: { error: expect.objectContaining({ code }) },
  meta: { source: "bridge" },
});

declare global {
  interface Window {
    /** The settlements of what a test has asked, in order. */
    settlements: Promise<unknown>[];
    /** Every state that the connector has been in. */
    states: string[];
  }
}

/** Opens a page whose connector is ready, with every waiting time short, and two requests in flight: a read, and one that may not be sent twice. */
async function openBusy(
  page: Page,
  host: HostSite,
  backend: ScriptedBackend,
  options: Pick<ConnectOptions, "heartbeatMs"> = {},
): Promise<void> {
  backend.answerWith([{ hangs: true }, AVAILABLE]);
  await page.goto(
    host.serve(connectorPage('<div id="place"><div id="container"></div></div><div id="elsewhere"></div>')),
  );
  await page.evaluate(
    async ([src, event, settings]) => {
      const container = document.querySelector("#container");
      if (!container) throw new Error("The page has no container");
      const connector = window.connect({ src, container, timeoutMs: 60_000, retryDelayMs: 50, ...settings });
      window.connector = connector;
      window.states = [];
      connector.onStateChange((state) => window.states.push(state));
      await connector.ready;
      window.settlements = [connector.dispatch(event)];
    },
    [`${backend.origin}/widget/`, ASK_123, options] as const,
  );
  await expect.poll(() => backend.calls.length).toBe(1);
}

function widgetFrame(page: Page, backend: ScriptedBackend): Frame {
  const frame = page.frames().find((candidate) => candidate.url().startsWith(backend.origin));
  if (!frame) throw new Error("The page has no widget");
  return frame;
}

const settlements = (page: Page): Promise<unknown[]> => page.evaluate(() => Promise.all(window.settlements));
const states = (page: Page): Promise<string[]> => page.evaluate(() => window.states);

test("a frame that reloads itself: what may be sent twice is sent again and fulfils", async ({
  page,
  host,
  backend,
}) => {
  await openBusy(page, host, backend);
  await widgetFrame(page, backend).evaluate(() => location.reload());
  expect(await settlements(page)).toEqual([FULFILLED]);
  expect(await states(page)).toEqual(["ready", "reconnecting", "ready"]);
  // One more where a browser cuts calls off before their document is gone: that widget's own retry may still leave it.
  expect(backend.calls.length).toBeGreaterThanOrEqual(2);
});

test("a frame that is navigated away is brought back, and the request fulfils", async ({ page, host, backend }) => {
  await openBusy(page, host, backend);
  const elsewhere = host.serve("<title>Elsewhere</title>");
  await page.evaluate((address) => {
    const frame = document.querySelector("iframe");
    if (frame) frame.src = address;
  }, elsewhere);
  expect(await settlements(page)).toEqual([FULFILLED]);
  expect(await states(page)).toEqual(["ready", "reconnecting", "ready"]);
});

test("a frame whose src is set anew", async ({ page, host, backend }) => {
  await openBusy(page, host, backend);
  await page.evaluate((address) => {
    const frame = document.querySelector("iframe");
    if (frame) frame.src = address;
  }, `${backend.origin}/widget/?again`);
  expect(await settlements(page)).toEqual([FULFILLED]);
  expect(await states(page)).toEqual(["ready", "reconnecting", "ready"]);
});

for (const [what, selector] of [
  ["itself", "iframe"],
  ["with its container", "#container"],
] as const) {
  test(`a frame that is moved ${what}`, async ({ page, host, backend }) => {
    await openBusy(page, host, backend);
    await page.evaluate((moved) => {
      const element = document.querySelector(moved);
      if (element) document.querySelector("#elsewhere")?.append(element);
    }, selector);
    expect(await settlements(page)).toEqual([FULFILLED]);
    expect(await states(page)).toEqual(["ready", "reconnecting", "ready"]);
  });
}

for (const [what, selector] of [
  ["itself", "iframe"],
  ["with its container", "#container"],
] as const) {
  test(`a frame that is removed ${what} settles all at once`, async ({ page, host, backend }) => {
    await openBusy(page, host, backend);
    await page.clock.install();
    await page.evaluate((removed) => document.querySelector(removed)?.remove(), selector);
    expect(await settlements(page)).toEqual([rejected("CONNECTION_CLOSED")]);
    expect(await states(page)).toEqual(["ready", "reconnecting"]);
    const next = await page.evaluate((event) => window.connector.dispatch(event), ASK_123);
    expect(next).toEqual(selector === "iframe" ? FULFILLED : rejected("CONNECTION_CLOSED"));
  });
}

// Firefox runs all the sites of a page that is driven in one process: a hung frame hangs the page.
test("a widget that hangs", { tag: "@chromium" }, async ({ page, host, backend }) => {
  await openBusy(page, host, backend, { heartbeatMs: 300 });
  void widgetFrame(page, backend)
    .evaluate(() => {
      for (;;);
    })
    .catch(() => {});
  expect(await settlements(page)).toEqual([FULFILLED]);
  expect(await states(page)).toEqual(["ready", "reconnecting", "ready"]);
});

// Only Chromium has a command that crashes one frame's process.
test("a widget whose process crashes", { tag: "@chromium" }, async ({ page, host, backend }) => {
  await openBusy(page, host, backend, { heartbeatMs: 300 });
  const session = await page.context().newCDPSession(widgetFrame(page, backend));
  void session.send("Page.crash").catch(() => {});
  expect(await settlements(page)).toEqual([FULFILLED]);
  expect(await states(page)).toEqual(["ready", "reconnecting", "ready"]);
});
