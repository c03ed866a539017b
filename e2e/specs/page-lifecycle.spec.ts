/**
 * A browser's effects on a page, by itself or on the user's command: requests settle, and the connector returns with
 * the page.
 */
import type { ServerResponse } from "node:http";
import type { Page } from "@playwright/test";
import type { ScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { answer, ask, openWaiting, tries } from "../fixtures/fake-clock-page.ts";
import {
  AVAILABLE,
  test as base,
  expect,
  FULFILLED,
  openConnected,
  rejectedBy,
  stopClock,
} from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { leaveAndReturn, openHidablePage } from "../fixtures/page-lifecycle.ts";
import { countUnanswered, keepSilentAbout, speakAgain, widgetFrame } from "../fixtures/unresponsive-widget.ts";

interface Fixtures {
  /** A page that the browser hides and freezes. */
  readonly freezablePage: Page;
}

const test = base.extend<Fixtures>({
  freezablePage: ({ playwright, launchOptions }, use) => openHidablePage({ playwright, launchOptions }, use),
});

declare global {
  interface Window {
    /** States and frames of the connector since the start of the recording. */
    seen: { readonly states: string[]; readonly frame: Element | null };
  }
}

/** Starts to record the connector's states and its frame. */
async function look(page: Page): Promise<void> {
  await page.evaluate(() => {
    const states: string[] = [];
    window.connector.onStateChange((state) => states.push(state));
    window.seen = { states, frame: document.querySelector("iframe") };
  });
}

/** Expects the same frame and connection throughout. */
async function expectUndisturbed(page: Page): Promise<void> {
  const seen = await page.evaluate(() => ({
    states: window.seen.states,
    isSameFrame: window.seen.frame === document.querySelector("iframe"),
  }));
  expect(seen).toEqual({ states: [], isSameFrame: true });
}

/** Delays the backend's response, and returns a function that sends it. */
function holdAnswer(backend: ScriptedBackend): () => void {
  let held: ServerResponse | undefined;
  backend.answerWith((_request, response) => {
    held = response;
  });
  return () => held?.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(AVAILABLE.body));
}

/**
 * Opens a page whose connector has tried its address twice and waits for the next attempt, which is never due while the
 * clock stands.
 */
async function openRetrying(page: Page, host: HostSite, backend: ScriptedBackend): Promise<void> {
  backend.showInstead((_request, response) => void response.writeHead(502).end());
  await openWaiting(page, host, { src: `${backend.origin}/widget/`, handshakeTimeoutMs: 60_000 });
  await expect.poll(() => tries(page)).toEqual({ mounted: 1, hasLoaded: true });
  await page.clock.runFor(100);
  await expect.poll(() => tries(page)).toEqual({ mounted: 2, hasLoaded: true });
  backend.showInstead(undefined);
}

/** Makes the page report that it is hidden, or visible again. */
async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: isHidden });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, hidden);
}

test("offline: a request settles as unreachable, and the next one fulfils when the browser is online again", async ({
  page,
  context,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  await look(page);
  await context.setOffline(true);
  await ask(page);
  expect(await answer(page)).toEqual(rejectedBy("BACKEND_UNREACHABLE"));
  expect(backend.calls).toHaveLength(0);
  await context.setOffline(false);
  await ask(page);
  expect(await answer(page)).toEqual(FULFILLED);
  await expectUndisturbed(page);
});

test("offline: a connector that waits to retry does so as soon as the browser is online", async ({
  page,
  context,
  host,
  backend,
}) => {
  await openRetrying(page, host, backend);
  await context.setOffline(true);
  await context.setOffline(false);
  expect(await answer(page)).toEqual(FULFILLED);
});

test("offline: a connector whose first attempt was cut off retries as soon as the browser is online", async ({
  page,
  context,
  host,
  backend,
}) => {
  backend.showInstead(() => {});
  await openWaiting(page, host, { src: `${backend.origin}/widget/`, handshakeTimeoutMs: 60_000 });
  await expect.poll(backend.countLoads).not.toBe(0);
  await context.setOffline(true);
  backend.showInstead(undefined);
  await context.setOffline(false);
  expect(await answer(page)).toEqual(FULFILLED);
});

/** Tags of tests for a Chromium that keeps pages for the way back. */
const KEEPS_PAGES = ["@whole-browser", "@chromium"];

test("back/forward cache: a request in flight continues when the user comes back", { tag: KEEPS_PAGES }, async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  await look(page);
  const giveAnswer = holdAnswer(backend);
  await ask(page);
  await expect.poll(() => backend.calls.length).toBe(1);
  expect(await leaveAndReturn(page, host)).toBe(true);
  giveAnswer();
  expect(await answer(page)).toEqual(FULFILLED);
  await expectUndisturbed(page);
});

test("back/forward cache: a connector without a widget retries as soon as the user comes back", {
  tag: KEEPS_PAGES,
}, async ({ page, host, backend }) => {
  await openRetrying(page, host, backend);
  expect(await leaveAndReturn(page, host)).toBe(true);
  expect(await answer(page)).toEqual(FULFILLED);
});

test.describe("frozen", { tag: "@chromium" }, () => {
  test("a request outlasts silence that is the page's own, and fulfils when the page is resumed", async ({
    freezablePage: page,
    host,
    backend,
  }) => {
    await openConnected(page, host, backend.origin, { heartbeatMs: 2_000 });
    await look(page);
    const giveAnswer = holdAnswer(backend);
    const widget = widgetFrame(page, backend);
    const { freezeFor } = await hide(page);
    await keepSilentAbout(widget, "BUS.PING");
    await ask(page);
    await expect.poll(() => countUnanswered(widget)).not.toBe(0);
    // Longer than the heartbeat's timeout and the tolerance for late timers.
    await freezeFor(4_000, () => speakAgain(widget));
    giveAnswer();
    expect(await answer(page)).toEqual(FULFILLED);
    await expectUndisturbed(page);
  });

  test("a request whose timeout ends meanwhile settles when the page is resumed, and the next one fulfils", async ({
    freezablePage: page,
    host,
    backend,
  }) => {
    await openConnected(page, host, backend.origin, { heartbeatMs: 200 });
    await look(page);
    backend.answerWith({ hangs: true });
    await ask(page, 1_000);
    await expect.poll(() => backend.calls.length).toBe(1);
    const { freezeFor } = await hide(page);
    await freezeFor(2_000);
    expect(await answer(page)).toEqual(rejectedBy(expect.stringMatching(/^(BACKEND_)?TIMEOUT$/)));
    await backend.calls[0]?.hungUp;
    backend.answerWith(AVAILABLE);
    await ask(page);
    expect(await answer(page)).toEqual(FULFILLED);
    await expectUndisturbed(page);
  });
});

interface HiddenPage {
  /** Freezes the page until its own clock has advanced by the given time, and shows it again. */
  freezeFor(milliseconds: number, meanwhile?: () => Promise<void>): Promise<void>;
}

/** Shows another page in front, like a user with several tabs. The browser freezes a page that is hidden for long. */
async function hide(page: Page): Promise<HiddenPage> {
  const session = await page.context().newCDPSession(page);
  const events = await page.evaluateHandle(() => {
    const heard: string[] = [];
    for (const type of ["freeze", "resume"]) document.addEventListener(type, () => heard.push(type));
    return heard;
  });
  await (await page.context().newPage()).bringToFront();
  return {
    async freezeFor(milliseconds, meanwhile) {
      await session.send("Page.setWebLifecycleState", { state: "frozen" });
      const frozenAt = await page.evaluate(() => performance.now());
      await meanwhile?.();
      // The time passes by itself; only the polling depends on the machine.
      const now = (): Promise<number> => page.evaluate(() => performance.now());
      await expect.poll(now, { timeout: milliseconds + 10_000 }).toBeGreaterThan(frozenAt + milliseconds);
      await session.send("Page.setWebLifecycleState", { state: "active" });
      await page.bringToFront();
      expect(await events.jsonValue()).toEqual(["freeze", "resume"]);
    },
  };
}

test("an hour in the background: a request in flight settles, the widget gets no messages, and the next request fulfils", async ({
  page,
  host,
  backend,
}) => {
  await stopClock(page);
  await openConnected(page, host, backend.origin, { heartbeatMs: 200 });
  await look(page);
  backend.answerWith({ hangs: true });
  const widget = widgetFrame(page, backend);
  await keepSilentAbout(widget, "BUS.PING");
  await ask(page);
  await expect.poll(() => backend.calls.length).toBe(1);
  await page.clock.runFor(200);
  await expect.poll(() => countUnanswered(widget)).toBe(1);
  await setHidden(page, true);
  await speakAgain(widget);
  await page.clock.fastForward("01:00:00");
  expect(await answer(page)).toEqual(rejectedBy("BACKEND_TIMEOUT"));
  await backend.calls[0]?.hungUp;
  await setHidden(page, false);
  backend.answerWith(AVAILABLE);
  await ask(page);
  expect(await answer(page)).toEqual(FULFILLED);
  await expectUndisturbed(page);
});

test("an hour in the background: a connector without a widget gives up, and retries as soon as the page is visible", async ({
  page,
  host,
  backend,
}) => {
  await openRetrying(page, host, backend);
  backend.showInstead((_request, response) => void response.writeHead(502).end());
  await setHidden(page, true);
  await page.clock.fastForward("01:00:00");
  expect(await answer(page)).toEqual(rejectedBy("WIDGET_UNAVAILABLE"));
  await ask(page);
  await expect.poll(() => tries(page)).toMatchObject({ hasLoaded: true });
  backend.showInstead(undefined);
  await setHidden(page, false);
  expect(await answer(page)).toEqual(FULFILLED);
});
