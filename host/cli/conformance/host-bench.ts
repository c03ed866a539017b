/** Opens the page under test, with the kit's widget in its iframe. */
import type { Browser, BrowserContext, Frame, Page } from "playwright-core";
import { CommandError } from "../command.ts";
import { toDocument } from "./document.ts";
import type { Answer } from "./harness.ts";
import { createQueue } from "./in-turn.ts";
import type { VectorFile } from "./vectors.ts";
import { type CallOfPage, installForger, installWidgetHarness, type WidgetManner } from "./widget-harness.ts";
import { openWire } from "./wire.ts";

const HANDSHAKE_MS = 10_000;
const ANSWER_MS = 5_000;
/** Time for the page's first call. A page on a busy machine takes seconds. */
const CALL_MS = 10_000;
const POLL_MS = 20;

/** A third origin. The browser gets its document from the kit, without the network. */
const FOREIGN = "https://foreign.example";

export interface HostTarget {
  /** Address of the page. */
  readonly url: URL;
  /** Address of the widget that the page embeds. */
  readonly embeds: URL;
  /** Selector of an element to click, so that the page sends a request. */
  readonly click?: string | undefined;
  readonly vectors: readonly VectorFile[];
}

/** The page under test after it has been loaded. */
export interface Scene {
  readonly page: Page;
  /** The kit's widget. */
  readonly frame: Frame;
  /** Uncaught errors and unhandled rejections of the page itself. */
  readonly errors: readonly string[];
  /** Addresses that the browser has asked for. */
  readonly addresses: readonly string[];
  /** Calls of the page so far. If the page has removed or reloads the iframe, those that were read before. */
  readCalls(): Promise<readonly CallOfPage[]>;
  /** Calls of the page, after a wanted call or the timeout. */
  waitForCalls(isWanted?: (call: CallOfPage) => boolean): Promise<readonly CallOfPage[]>;
  /** Posts an event to the page's own `post`. */
  post(event: object): Promise<Answer>;
  /** Waits for a finished handshake beyond the first `before`. */
  waitForHandshake(before: number): Promise<boolean>;
  /** Reloads the widget, and waits for the next document. */
  reloadWidget(): Promise<void>;
  /** Adds the kit's forger as a second frame, and returns the frame's messages; `undefined` if the page's policy forbids the frame. */
  forge(from: "foreign" | "widget"): Promise<readonly unknown[] | undefined>;
  /** Navigates the widget's frame to the kit's forger, and returns the document's messages; `undefined` as in `forge`. */
  replaceWidget(): Promise<readonly unknown[] | undefined>;
}

export interface HostBench extends Pick<HostTarget, "url" | "embeds" | "vectors"> {
  /** Loads the page. @throws {Error} if the page never loads the widget. @throws {CommandError} if there is nothing to click. */
  withScene<Result>(manner: WidgetManner, use: (scene: Scene) => Promise<Result>): Promise<Result>;
}

const FORGER = toDocument(installForger);

/** Creates the bench. Each scene has its own browser context, with empty storage. */
export function createHostBench(browser: Browser, target: HostTarget): HostBench {
  const { embeds, url, click, vectors } = target;
  const inTurn = createQueue();

  async function answerForKit(context: BrowserContext, manner: WidgetManner): Promise<void> {
    const widget = toDocument(installWidgetHarness, openWire, manner);
    const show = (body: string) => ({ contentType: "text/html; charset=utf-8", body });
    await context.route(
      ({ origin, pathname }) => origin === embeds.origin && pathname === embeds.pathname,
      (route) => route.fulfill(show(widget)),
    );
    const isForger = ({ origin, pathname }: URL): boolean =>
      pathname === FORGER_PATH && (origin === FOREIGN || origin === embeds.origin);
    await context.route(isForger, (route) => route.fulfill(show(FORGER)));
  }

  return {
    url,
    embeds,
    vectors,
    async withScene(manner, use) {
      const context = await inTurn(() => browser.newContext());
      try {
        await answerForKit(context, manner);
        const page = await inTurn(() => context.newPage());
        return await use(await openScene(page, { url, embeds, click }));
      } finally {
        await context.close();
      }
    },
  };
}

const FORGER_PATH = "/conformance-forger";

async function openScene(
  page: Page,
  { url, embeds, click }: Pick<HostTarget, "url" | "embeds" | "click">,
): Promise<Scene> {
  const errors: string[] = [];
  const addresses: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("request", (request) => addresses.push(request.url()));
  await page.goto(url.href);
  if (click !== undefined) await clickElement(page, click);
  const frame = await pollUntil(HANDSHAKE_MS, () => {
    return page.frames().find((each) => each !== page.mainFrame() && isSameDocument(each.url(), embeds));
  });
  if (!frame) throw new Error(await explainMissingFrame(page, embeds));

  let calls: readonly CallOfPage[] = [];
  const scene: Scene = {
    page,
    frame,
    errors,
    addresses,
    async readCalls() {
      calls = await readFrame(frame, () => window.conformanceWidget.readCalls(), calls);
      return calls;
    },
    async waitForCalls(isWanted = () => true) {
      await pollUntil(CALL_MS, async () => (await scene.readCalls()).some(isWanted) || undefined);
      return scene.readCalls();
    },
    post: (event) =>
      frame.evaluate(([text, waitMs]) => window.conformanceWidget.post(text, waitMs), [
        JSON.stringify(event),
        ANSWER_MS,
      ] as const),
    async waitForHandshake(before) {
      const count = () => readFrame(frame, () => window.conformanceWidget.countHandshakes(), 0);
      return (await pollUntil(HANDSHAKE_MS, async () => (await count()) > before || undefined)) ?? false;
    },
    async reloadWidget() {
      await frame.evaluate((title) => {
        document.title = title;
        location.reload();
      }, LEFT);
      const isNew = () => readFrame(frame, () => document.title === "Conformance" || undefined, undefined);
      await pollUntil(HANDSHAKE_MS, isNew);
    },
    async forge(from) {
      const address = `${from === "foreign" ? FOREIGN : embeds.origin}${FORGER_PATH}`;
      await page.evaluate((src) => {
        const forger = document.createElement("iframe");
        forger.hidden = true;
        forger.src = src;
        document.body.append(forger);
      }, address);
      return readForged(page, address);
    },
    async replaceWidget() {
      const address = `${FOREIGN}${FORGER_PATH}`;
      await frame.evaluate((to) => location.replace(to), address).catch(() => {});
      return readForged(page, address);
    },
  };
  return scene;
}

/** Clicks. @throws {CommandError} if no element has the selector. */
async function clickElement(page: Page, selector: string): Promise<void> {
  try {
    await page.click(selector, { timeout: HANDSHAKE_MS });
  } catch (error) {
    // An invalid selector cannot be counted either.
    const count = await page
      .locator(selector)
      .count()
      .catch(() => 0);
    if (count > 0) throw error;
    const expected = "--click: expected the selector of an element of the page";
    throw new CommandError(`${expected}, and ${JSON.stringify(selector)} matches none within ${HANDSHAKE_MS} ms`);
  }
}

/** Lists the iframes that the page has instead of the widget's, without their queries, which may hold secrets. */
async function explainMissingFrame(page: Page, embeds: URL): Promise<string> {
  const sources = await page.locator("iframe").evaluateAll((frames) => frames.map((each) => Reflect.get(each, "src")));
  const loaded = page.frames().map((frame) => (frame === page.mainFrame() ? "" : frame.url()));
  const addresses = [...sources, ...loaded].flatMap((address) => {
    const url = URL.canParse(String(address)) ? new URL(String(address)) : undefined;
    return url && /^https?:$/.test(url.protocol) ? [`${url.origin}${url.pathname}`] : [];
  });
  const seen = [...new Set(addresses)];
  const fault = `The page loaded no iframe of ${embeds.origin}${embeds.pathname} within ${HANDSHAKE_MS} ms`;
  if (seen.length === 0)
    return `${fault}, and has no other iframe. Name the address of the embedded widget by --embeds`;
  return `${fault}, and has iframes of ${seen.join(", ")}. Name that of the widget by --embeds`;
}

/** Time to receive forbidden messages, in milliseconds. */
const SILENCE_MS = 1_500;

/** Title of the document before a reload. */
const LEFT = "Left";

/** Timeout of a new frame, in milliseconds. */
const FRAME_MS = 3_000;

async function readForged(page: Page, address: string): Promise<readonly unknown[] | undefined> {
  const forger = await pollUntil(FRAME_MS, () => page.frames().find((each) => each.url() === address));
  if (!forger) return undefined;
  let received: readonly unknown[] = [];
  const end = performance.now() + SILENCE_MS;
  while (performance.now() < end) {
    // The page may remove the frame.
    received = await readFrame(forger, () => [...Reflect.get(window, "forged")], received);
    await page.waitForTimeout(POLL_MS);
  }
  return received;
}

/** Reads a value of a frame; `otherwise` while the frame loads. */
function readFrame<Value>(frame: Frame, read: () => Value, otherwise: Value): Promise<Value> {
  return frame.evaluate(read).catch(() => otherwise);
}

function isSameDocument(address: string, { origin, pathname }: URL): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url?.origin === origin && url.pathname === pathname;
}

async function pollUntil<Value>(
  waitMs: number,
  read: () => Value | undefined | Promise<Value | undefined>,
): Promise<Value | undefined> {
  const end = performance.now() + waitMs;
  for (;;) {
    const value = await read();
    if (value !== undefined || performance.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
