/** Opens pages of the kit around the widget under test. */
import type { Browser, Page } from "playwright-core";
import { toDocument } from "./document.ts";
import { type Answer, type Greeting, installPageHarness, type PageManner } from "./harness.ts";
import { createQueue } from "./in-turn.ts";
import { type KitSite, openKitSite } from "./kit-site.ts";
import { explainMissingHandshake } from "./missing-handshake.ts";
import { type Script, type ScriptedSite, startScriptedSite } from "./scripted-site.ts";
import type { VectorFile } from "./vectors.ts";
import { openWire } from "./wire.ts";

/** Timeouts in milliseconds, generous for slow machines. */
const HANDSHAKE_MS = 10_000;
const ANSWER_MS = 15_000;

export interface WidgetTarget {
  /** Address of the widget's document. */
  readonly url: URL;
  /** Origin of the kit's page, which the widget has to allow. */
  readonly origin: string;
  /** The page's token, unless a rule sets other tokens. */
  readonly token?: string | undefined;
  /** True to load the widget from its own address, with its own backend. Rules about the backend are then skipped. */
  readonly isDirect: boolean;
  readonly vectors: readonly VectorFile[];
}

/** Options of a page of the kit. */
export interface DeskOptions extends Partial<Omit<PageManner, "src">> {
  /** Answers of the kit's backend. @default agent 123 is available */
  readonly script?: Script;
  /** True for a page of a forbidden origin. @default false */
  readonly isForeign?: boolean;
}

/** A page of the kit with the widget in it. */
export interface Desk {
  readonly page: Page;
  readonly greeting: Greeting;
  /** The kit's backend; absent with `isDirect`. */
  readonly site: ScriptedSite | undefined;
  /** Posts events at the same time, and returns the answers in the order of the events. */
  post(...events: readonly object[]): Promise<readonly Answer[]>;
  /** Posts any JSON, then the following events, and returns the first answer. */
  postAny(event: unknown, following?: readonly object[]): Promise<Answer>;
}

export interface WidgetBench extends Pick<WidgetTarget, "origin" | "vectors" | "isDirect" | "url"> {
  /** Opens a page with a newly loaded widget. @throws {Error} without a handshake, unless the page is foreign. */
  withDesk<Result>(options: DeskOptions, use: (desk: Desk) => Promise<Result>): Promise<Result>;
  /** True if the widget's calls to the gateway reach the kit. */
  reachesScript(): Promise<boolean>;
  close(): Promise<void>;
}

/** Agent 123 is available. */
export const AVAILABLE = { status: 200, body: { userId: 123, status: "available", version: 7 } } as const;

/** A request for agent 123. */
export const ASK_123 = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } } as const;

const PAGE = toDocument(installPageHarness, openWire);

/** Opens the bench in a browser. */
export async function openWidgetBench(browser: Browser, target: WidgetTarget): Promise<WidgetBench> {
  const own = await openKitSite(target.origin, PAGE);
  const foreign = await openKitSite("http://localhost:0", PAGE);
  const context = await browser.newContext();
  const inTurn = createQueue();
  for (const site of [own, foreign]) await site.prepare(context);
  let reaches: Promise<boolean> | undefined;
  let hasConnected = false;

  async function openDesk(options: DeskOptions, page: Page, site: ScriptedSite | undefined): Promise<Desk> {
    const { script: _script, isForeign = false, ...manner } = options;
    const shown: KitSite = isForeign ? foreign : own;
    await page.goto(`${shown.origin}/`);
    const tokens = target.token === undefined ? [] : [target.token];
    const greeting = await page.evaluate((each) => window.conformance.connect(each), {
      handshakeMs: HANDSHAKE_MS,
      tokens,
      ...manner,
      src: site?.widgetUrl ?? target.url.href,
    });
    if (!greeting.isConnected && !isForeign) {
      const fault = `No handshake within ${HANDSHAKE_MS} ms`;
      // A widget that connected once allows the page.
      throw new Error(hasConnected ? fault : `${fault}. ${await explainMissingHandshake(target)}`);
    }
    hasConnected = true;
    return {
      page,
      greeting,
      site,
      post: (...events) => postTexts(page, events),
      postAny: async (event, following = []) => (await postInOrder(page, [event, ...following]))[0] ?? NO_ANSWER,
    };
  }

  const bench: WidgetBench = {
    ...target,
    async withDesk(options, use) {
      const { script = AVAILABLE, isForeign = false } = options;
      const site = target.isDirect
        ? undefined
        : await startScriptedSite({ target: target.url, script, dropsFrameAncestors: isForeign });
      const page = await inTurn(() => context.newPage());
      try {
        return await use(await openDesk(options, page, site));
      } finally {
        await page.close();
        await site?.close();
      }
    },
    reachesScript() {
      reaches ??= target.isDirect
        ? Promise.resolve(false)
        : bench.withDesk({}, async ({ post, site }) => {
            await post({ ...ASK_123, meta: { timeoutMs: 3_000 } });
            return (site?.calls.length ?? 0) > 0;
          });
      return reaches;
    },
    async close() {
      await context.close();
      await own.close();
      await foreign.close();
    },
  };
  return bench;
}

const NO_ANSWER: Answer = { replies: 0, isError: false, text: "undefined", ms: 0 };

function postTexts(page: Page, events: readonly unknown[]): Promise<readonly Answer[]> {
  // As text: the driver's serialization loses a key such as `__proto__`.
  const texts = events.map((event) => JSON.stringify(event));
  return page.evaluate(([each, waitMs]) => window.conformance.postTexts(each, waitMs), [texts, ANSWER_MS] as const);
}

function postInOrder(page: Page, events: readonly unknown[]): Promise<readonly Answer[]> {
  const texts = events.map((event) => JSON.stringify(event));
  return page.evaluate(([each, waitMs]) => window.conformance.postInOrder(each, waitMs), [texts, ANSWER_MS] as const);
}
