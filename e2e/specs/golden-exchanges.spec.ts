/** Every golden vector over the built files, with a plain penpal page and with the connector. */
import { readFileSync } from "node:fs";
import type { Browser, Page } from "@playwright/test";
import {
  comparable,
  comparableAnnouncement,
  type Exchange,
  type GoldenAnnouncement,
  type GoldenConversation,
  type GoldenExchange,
  goldenConversations,
  goldenExchanges,
  toToken,
} from "../../gateway/test/golden-exchanges.ts";
import { describeCalls, type ScriptedBackend, startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { test as base, connectorPage, expect } from "../fixtures/fixtures.ts";
import { type HostSite, startHostSite } from "../fixtures/host-site.ts";

/** A page that has connected to a widget, with the widget's backend. */
interface Desk {
  readonly page: Page;
  readonly backend: ScriptedBackend;
  /**
   * Sends events in order and returns their settlements as text: the test runner's own serialization loses some JSON
   * values, such as a key named `__proto__`.
   */
  readonly send: (events: readonly string[]) => Promise<readonly string[]>;
}

/** Opens a page that provides the tokens in order, one per request for a token. */
type Open = (page: Page, host: HostSite, widget: string, tokens: readonly string[]) => Promise<Desk["send"]>;

declare global {
  interface Window {
    /** Announcements that the page has received. */
    toldUnasked: GoldenAnnouncement[];
  }
}

/** For exchanges, which do not affect each other: the pages stay open for the exchanges of a worker. */
interface Desks {
  readonly plainDesk: Desk;
  readonly connectorDesk: Desk;
  /** A page that shows the documents of conversations in turn, each from its own site. */
  readonly shownPage: Page;
}

const test = base.extend<object, Desks>({
  plainDesk: [
    ({ browser }, use) => withPage(browser, (page) => withDesk(page, openPlainPage, use)),
    { scope: "worker" },
  ],
  connectorDesk: [
    ({ browser }, use) => withPage(browser, (page) => withDesk(page, openConnectorPage, use)),
    { scope: "worker" },
  ],
  shownPage: [({ browser }, use) => withPage(browser, use), { scope: "worker" }],
});

async function withPage(browser: Browser, use: (page: Page) => Promise<void>): Promise<void> {
  const page = await browser.newPage();
  await use(page);
  await page.close();
}

async function openPlainPage(...[page, host, widget]: Parameters<Open>): ReturnType<Open> {
  return openPenpalPage(page, `${host.origin}/plain-penpal.html`, widget);
}

async function openPenpalPage(page: Page, address: string, widget: string): ReturnType<Open> {
  await page.goto(`${address}?widget=${encodeURIComponent(widget)}`);
  return (events) =>
    page.evaluate(async (texts) => {
      const settlements: string[] = [];
      for (const text of texts) settlements.push(JSON.stringify(await window.post(JSON.parse(text))));
      return settlements;
    }, events);
}

const PLAIN_PAGE = readFileSync("e2e/fixtures/pages/plain-penpal.html", "utf8");

/** A page that also provides tokens and records announcements. */
async function openListeningPage(...[page, host, widget, tokens]: Parameters<Open>): ReturnType<Open> {
  const told = `window.toldUnasked = [];
    const tokens = ${JSON.stringify(tokens)};
    window.receive = (event) => {
      if (event.type !== "HOST.FETCH_TOKEN") return void window.toldUnasked.push(event);
      const token = tokens.length > 1 ? tokens.shift() : tokens[0];
      return token
        ? { type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token } }
        : { type: "HOST.FETCH_TOKEN_REJECTED", payload: { error: null } };
    };`;
  return openPenpalPage(page, host.serve(PLAIN_PAGE.replace("<head>", `<head><script>${told}</script>`)), widget);
}

async function openConnectorPage(...[page, host, src, tokens]: Parameters<Open>): ReturnType<Open> {
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(
    (options) => {
      const left = [...options.tokens];
      const fetchToken = (): string => (left.length > 1 ? left.shift() : left[0]) ?? "";
      window.connector = window.connect({ src: options.src, ...(left.length > 0 && { fetchToken }) });
      window.toldUnasked = [];
      // The listener receives a settlement together with its request.
      window.connector.on("*", ({ type, payload }, request) => {
        if (!request) window.toldUnasked.push({ type, ...(payload !== undefined && { payload }) });
      });
    },
    { src, tokens },
  );
  return (events) =>
    page.evaluate(async (texts) => {
      const settlements: string[] = [];
      for (const text of texts) settlements.push(JSON.stringify(await window.connector.dispatch(JSON.parse(text))));
      return settlements;
    }, events);
}

async function withDesk(
  page: Page,
  open: Open,
  use: (desk: Desk) => Promise<void>,
  tokens: readonly string[] = [],
): Promise<void> {
  const host = await startHostSite();
  const backend = await startScriptedBackend({ answers: null, allowedOrigins: [host.origin] });
  const send = await open(page, host, `${backend.origin}/widget/`, tokens);
  await use({ page, backend, send });
  await backend.close();
  await host.close();
}

/**
 * Sends the following events together with the exchange, because a call from the test to the page takes longer than an
 * exchange.
 */
async function expectExchange(
  { backend, send }: Desk,
  exchange: Exchange,
  following: readonly object[] = [],
): Promise<void> {
  const { event, backend: answers, asked, settlement } = exchange;
  backend.answerWith(answers);
  const [settled = ""] = await send([event, ...following].map((each) => JSON.stringify(each)));
  expect(comparable(JSON.parse(settled), settlement)).toEqual(settlement);
  if (answers === null) expect(backend.calls).toHaveLength(0);
  if (Array.isArray(answers)) expect(backend.calls).toHaveLength(answers.length);
  if (asked) expect(await describeCalls(backend)).toEqual(asked);
}

/** Events that end any state of an exchange. */
const NOTHING_WANTED = [
  { type: "API.WATCH_AVAILABILITIES", payload: { variables: { userIds: [] } } },
  { type: "BUS.DESTROY", payload: { services: ["USER"] } },
];

/** Sends an exchange on a page that stays open for later exchanges. */
async function expectExchangeAlone(desk: Desk, exchange: Exchange): Promise<void> {
  await expectExchange(desk, exchange, NOTHING_WANTED);
}

async function expectConversation(desk: Desk, golden: GoldenConversation): Promise<void> {
  const { page, backend } = desk;
  const { exchanges, stream, announced } = golden;
  if (!Array.isArray(stream)) backend.refuseStream(stream);
  for (const exchange of exchanges) await expectExchange(desk, exchange);
  if (Array.isArray(stream)) backend.stream.say(stream);
  const readAnnounced = async () => (await page.evaluate(() => window.toldUnasked)).map(comparableAnnouncement);
  await expect.poll(readAnnounced).toEqual(announced);
}

const PAGES = { "a plain penpal page": openListeningPage, "the connector": openConnectorPage };

/**
 * Titles of the vectors' tests. Every engine runs the exchanges of the first event, and the first engine runs all
 * exchanges.
 */
function titleOf({ file, name }: GoldenExchange | GoldenConversation): string {
  return `${file}, ${name}${file === "fetch-user-availability.json" ? "" : " @once"}`;
}

test.describe("a plain penpal page settles", () => {
  for (const golden of goldenExchanges) {
    test(titleOf(golden), ({ plainDesk }) => expectExchangeAlone(plainDesk, golden));
  }
});

test.describe("the connector settles", () => {
  for (const golden of goldenExchanges) {
    test(titleOf(golden), ({ connectorDesk }) => expectExchangeAlone(connectorDesk, golden));
  }
});

for (const [what, open] of Object.entries(PAGES)) {
  test.describe(`${what} is announced`, () => {
    for (const golden of goldenConversations) {
      test(titleOf(golden), ({ shownPage }) =>
        withDesk(shownPage, open, (desk) => expectConversation(desk, golden), golden.tokens.map(toToken)),
      );
    }
  });
}
