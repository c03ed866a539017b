/** Environment of a run with watches: two tabs of a page, the widget's site, and the records of both. */
import { setTimeout as delay } from "node:timers/promises";
import type { Frame, Page } from "playwright";
import type { TokenMode } from "../page/watch-harness.ts";
import type { ChaosSetup } from "../setup.ts";
import { type Fault, type Observations, type Observer, TABS, type Tab } from "./observations.ts";
import { type Environment, installScaledTime, SCALE, scaled } from "./scaled-time.ts";
import { USER_IDS } from "./watch-model.ts";
import { type Part, type PartMode, startWatchedSite } from "./watched-site.ts";

/** Actions on the environment of a run, and the run's records. */
export type WatchContext = Awaited<ReturnType<typeof openWatchContext>>;

/** Time limit for an action in a document, because documents may hang. In milliseconds. */
const PATIENCE_MS = 500;

/** Time until silence reveals a dead connection or process. */
const NOTICED_AFTER_MS = scaled(45);

/** Jump of a wall clock, in milliseconds of the product. */
const HOUR_MS = 3_600_000;

/** Opens two tabs, each with a listener and a badge of every agent, over a new site. */
export async function openWatchContext({ browser, host, address, files }: ChaosSetup) {
  const environments = new Map<Tab, Environment>();
  const common = { scale: SCALE, startedAt: Date.now(), jumpMs: 0, isHidden: false };
  let clockJumpMs = 0;
  const site = await startWatchedSite({
    files,
    allowedOrigin: host.origin,
    getPrelude: () => `(${installScaledTime.toString()})(${JSON.stringify({ ...common, jumpMs: clockJumpMs })});\n`,
  });
  const context = await browser.newContext();
  const pages = new Map<Tab, Page>();
  const faults: { -readonly [Key in keyof Fault]: Fault[Key] }[] = [];
  /** Last reports of all tabs, closed tabs included. */
  const reports = new Map<string, Observer>();
  const uncaught: string[] = [];
  let observerCount = 0;

  /** Records the start of a fault. */
  function begin(name: string, tab?: Tab, isUnseen?: boolean): void {
    faults.push({ name, tab, from: Date.now(), until: Number.POSITIVE_INFINITY, isUnseen });
  }

  /** Records the end of a fault, `extraMs` milliseconds from now. */
  function end(name: string, tab?: Tab, extraMs = 0): void {
    for (const fault of faults) {
      const isOpen = fault.until === Number.POSITIVE_INFINITY;
      if (isOpen && fault.name === name && fault.tab === tab) fault.until = Date.now() + extraMs;
    }
  }

  /** Records a fault of a moment, during the action. */
  async function happen(name: string, act: () => Promise<unknown>, lastsMs = 0): Promise<void> {
    const fault = { name, from: Date.now(), until: Number.POSITIVE_INFINITY };
    faults.push(fault);
    await act();
    fault.until = Date.now() + lastsMs;
  }

  function pageOf(tab: Tab): Page {
    const page = pages.get(tab);
    if (!page) throw new Error(`The ${tab} tab is not open`);
    return page;
  }

  async function openTab(tab: Tab): Promise<void> {
    const page = await context.newPage();
    pages.set(tab, page);
    page.on("pageerror", ({ message }) => {
      if (!isOfFaults(message)) uncaught.push(`${tab}: ${message}`);
    });
    const environment = environments.get(tab) ?? common;
    environments.set(tab, environment);
    await page.addInitScript(installScaledTime, environment);
    await page.goto(address);
    await page.evaluate(([name, src]) => window.tab.open(name, src), [tab, `${site.origin}/widget/?${tab}`] as const);
    for (const userId of USER_IDS) {
      await addObserver("listener", tab, userId);
      await addObserver("badge", tab, userId);
    }
  }

  async function addObserver(kind: Observer["kind"], tab: Tab, userId: number): Promise<number> {
    observerCount += 1;
    const count = observerCount;
    const page = pageOf(tab);
    if (kind === "badge")
      await page.evaluate(([user, number]) => window.tab.addBadge(user, number), [userId, count] as const);
    else await page.evaluate(([user, number]) => window.tab.watch(user, number), [userId, count] as const);
    return count;
  }

  /** Reads the displays of a tab's observers. */
  async function readTab(tab: Tab): Promise<void> {
    const page = pages.get(tab);
    if (!page) return;
    for (const observer of await page.evaluate(() => window.tab.report())) reports.set(observer.name, observer);
  }

  async function closeTab(tab: Tab): Promise<void> {
    await readTab(tab);
    const endedAt = Date.now();
    for (const [name, observer] of reports) {
      if (observer.tab === tab) reports.set(name, { ...observer, endedAt: Math.min(endedAt, observer.endedAt) });
    }
    await pageOf(tab).close();
    pages.delete(tab);
    // A later tab begins without faults, but with the machine's wall clock.
    environments.set(tab, { ...(environments.get(tab) ?? common), isHidden: false });
    for (const fault of faults) if (fault.tab === tab) fault.until = Math.min(fault.until, endedAt);
  }

  /** Changes the environment of a tab, in present and later documents. */
  async function setEnvironment(tab: Tab, changes: Partial<Environment>): Promise<void> {
    const environment = { ...(environments.get(tab) ?? common), ...changes };
    environments.set(tab, environment);
    const page = pageOf(tab);
    await page.addInitScript(installScaledTime, environment);
    await Promise.all(
      page.frames().map((frame) => withPatience(frame.evaluate((next) => chaosTime?.set(next), environment))),
    );
  }

  /** Moves the machine's wall clock, also for later tabs. */
  async function jump(milliseconds: number): Promise<void> {
    clockJumpMs += milliseconds;
    for (const tab of TABS) {
      if (pages.has(tab)) await setEnvironment(tab, { jumpMs: clockJumpMs });
      else environments.set(tab, { ...(environments.get(tab) ?? common), jumpMs: clockJumpMs });
    }
  }

  /** Runs an action in the widget of a tab, if present. */
  async function inWidget(tab: Tab, act: (frame: Frame) => Promise<unknown>): Promise<void> {
    // Found by the address: the frame may have any document by now.
    const frame = pageOf(tab)
      .frames()
      .find((candidate) => candidate.url().startsWith(site.origin));
    if (frame) await withPatience(act(frame));
  }

  for (const tab of TABS) await openTab(tab);

  return {
    site,
    uncaught,
    addObserver,
    pause: (milliseconds: number): Promise<void> => delay(milliseconds),
    stopObserver: (kind: Observer["kind"], tab: Tab, count: number): Promise<void> =>
      pageOf(tab).evaluate(([what, number]) => window.tab.stop(what, number), [kind, count] as const),
    moveBadge: (tab: Tab, count: number): Promise<void> =>
      pageOf(tab).evaluate((number) => window.tab.moveBadge(number), count),
    async setTab(tab: Tab, isOpen: boolean): Promise<void> {
      if (isOpen) await openTab(tab);
      else await happen(`${tab} tab closed`, () => closeTab(tab));
    },
    async setVisible(tab: Tab, isVisible: boolean): Promise<void> {
      if (!isVisible) begin("hidden", tab, true);
      await setEnvironment(tab, { isHidden: !isVisible });
      if (isVisible) end("hidden", tab);
    },
    async setPart(part: Part, mode: PartMode, before: PartMode): Promise<void> {
      if (mode !== "works") begin(`${part} ${mode}`);
      site.setMode(part, mode);
      // After a stream was held back the widget polls, and shows changes up to 18 s late.
      if (before !== "works") end(`${part} ${before}`, undefined, before === "is held back" ? scaled(18 - 10) : 0);
    },
    cutStreams: (): Promise<void> => happen("streams cut", async () => site.cutStreams()),
    async setServing(isServing: boolean, keepsHistory = true): Promise<void> {
      if (!isServing) begin("gateway stopped");
      await (isServing ? site.start(keepsHistory) : site.stop());
      if (isServing) end("gateway stopped");
    },
    async setAccepting(isAccepting: boolean): Promise<void> {
      if (!isAccepting) begin("gateway rejects all tokens");
      site.setAccepting(isAccepting);
      if (isAccepting) end("gateway rejects all tokens");
    },
    revokeTokens: (): Promise<void> => happen("tokens revoked", async () => site.revokeTokens()),
    async setTokenMode(tab: Tab, mode: TokenMode, before: TokenMode): Promise<void> {
      if (mode !== "gives") begin(`fetchToken ${mode}`, tab);
      await pageOf(tab).evaluate((next) => window.tab.setTokenMode(next), mode);
      if (before !== "gives") end(`fetchToken ${before}`, tab);
    },
    async setOnline(isOnline: boolean): Promise<void> {
      if (!isOnline) begin("offline");
      await context.setOffline(!isOnline);
      if (isOnline) end("offline");
    },
    jumpClock: (hours: number): Promise<void> =>
      happen(`wall clock ${hours > 0 ? "forward" : "back"} an hour`, () => jump(hours * HOUR_MS)),
    /** The wall clock goes on, the monotonic one stands, and every connection is dead. */
    sleep: (): Promise<void> =>
      happen("sleep of an hour", async () => {
        site.cutStreams();
        await jump(HOUR_MS);
      }),
    reload: (tab: Tab): Promise<void> =>
      happen(`${tab} widget reloads`, () => inWidget(tab, (frame) => frame.evaluate(() => location.reload()))),
    leave: (tab: Tab): Promise<void> =>
      happen(`${tab} widget's iframe navigates away`, () =>
        inWidget(tab, (frame) => frame.evaluate((to) => location.assign(to), `${site.origin}/elsewhere?${tab}`)),
      ),
    /** Crashes the process of the widgets of both tabs. */
    crash: (tab: Tab): Promise<void> =>
      happen(
        "widget crashes",
        () =>
          inWidget(tab, async (frame) => {
            const session = await context.newCDPSession(frame);
            await session.send("Page.crash");
          }),
        NOTICED_AFTER_MS,
      ),
    /** Hangs the process of the widgets of both tabs, without waiting for the end of the hang. */
    hang: (tab: Tab, milliseconds: number): Promise<void> =>
      happen(
        `widget hangs for ${milliseconds} ms`,
        () =>
          Promise.race([
            delay(50),
            inWidget(tab, (frame) =>
              frame.evaluate((ms) => {
                const endsAt = (chaosTime?.now() ?? 0) + ms;
                while ((chaosTime?.now() ?? endsAt) < endsAt);
              }, milliseconds),
            ),
          ]),
        milliseconds,
      ),
    removeFrame: (tab: Tab): Promise<void> =>
      happen(`${tab} iframe removed`, () => pageOf(tab).evaluate(() => window.tab.removeFrame())),
    takeFrameOut: (tab: Tab, milliseconds: number | undefined): Promise<void> =>
      happen(`${tab} iframe out and in again`, () =>
        pageOf(tab).evaluate((ms) => window.tab.takeFrameOut(ms ?? undefined), milliseconds ?? null),
      ),
    moveContainer: (tab: Tab): Promise<void> =>
      happen(`${tab} container moved`, () => pageOf(tab).evaluate(() => window.tab.moveContainer())),
    setSrc: (tab: Tab, path: string): Promise<void> =>
      happen(`${tab} iframe set to ${path}`, () =>
        pageOf(tab).evaluate((src) => window.tab.setFrameSrc(src), `${site.origin}${path}${tab}`),
      ),
    async setContainerIn(tab: Tab, isIn: boolean): Promise<void> {
      if (!isIn) begin("container removed", tab);
      await pageOf(tab).evaluate((to) => window.tab.setContainerIn(to), isIn);
      if (isIn) end("container removed", tab);
    },
    async observe(): Promise<Observations> {
      for (const tab of pages.keys()) await readTab(tab);
      return { observers: [...reports.values()], changes: site.changes, faults, endedAt: Date.now() };
    },
    async close(): Promise<void> {
      await context.close();
      await site.stop();
    },
  };
}

/** True for an error that the product reports on purpose during a fault. */
function isOfFaults(message: string): boolean {
  return [
    "The token endpoint of the chaos fails",
    "fetchToken: expected a token within",
    "Failed to fetch dynamically imported module",
    "The live part of the widget did not arrive",
  ].some((text) => message.includes(text));
}

/** Waits for an action in a document for a limited time: the document may be gone, or hang. */
async function withPatience(action: Promise<unknown>): Promise<void> {
  await Promise.race([action.catch(() => {}), delay(PATIENCE_MS)]);
}
