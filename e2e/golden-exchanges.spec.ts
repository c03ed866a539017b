/** Every golden exchange over the built files, with a plain penpal page and with the connector. */
import type { Browser, Page } from "@playwright/test";
import { test as base, connectorPage, expect } from "./fixtures.ts";
import { comparable, type GoldenExchange, goldenExchanges } from "./golden-exchanges.ts";
import { startHostSite } from "./host-site.ts";
import { type Answers, type ScriptedBackend, startScriptedBackend } from "./scripted-backend.ts";

/** A page that stays open for all the exchanges of one worker. */
interface Desk {
  /** Sets the backend's answers, sends the event and returns its settlement. */
  exchange(event: unknown, answers: Answers): Promise<unknown>;
  readonly calls: ScriptedBackend["calls"];
}

const test = base.extend<object, { plainDesk: Desk; connectorDesk: Desk }>({
  plainDesk: [
    async ({ browser }, use) =>
      withDesk(browser, use, async (page, host, widget) => {
        await page.goto(`${host}/plain-penpal.html?widget=${encodeURIComponent(widget)}`);
        return (event) => page.evaluate(async (json) => JSON.stringify(await window.post(JSON.parse(json))), event);
      }),
    { scope: "worker" },
  ],
  connectorDesk: [
    async ({ browser }, use) =>
      withDesk(browser, use, async (page, _host, src) => {
        await page.evaluate((address) => {
          window.connector = window.connect({ src: address });
        }, src);
        return (event) =>
          page.evaluate(async (json) => JSON.stringify(await window.connector.dispatch(JSON.parse(json))), event);
      }),
    { scope: "worker" },
  ],
});

/** As text, since not every JSON value, such as a key named `__proto__`, passes the test runner's own way to a page. */
type Send = (event: string) => Promise<string>;

async function withDesk(
  browser: Browser,
  use: (desk: Desk) => Promise<void>,
  open: (page: Page, host: string, widget: string) => Promise<Send>,
): Promise<void> {
  const host = await startHostSite();
  const backend = await startScriptedBackend({ answers: null, allowedOrigins: [host.origin] });
  const page = await browser.newPage();
  await page.goto(host.serve(connectorPage()));
  const send = await open(page, host.origin, `${backend.origin}/widget/`);
  await use({
    calls: backend.calls,
    async exchange(event, answers) {
      backend.answerWith(answers);
      return JSON.parse(await send(JSON.stringify(event)));
    },
  });
  await page.close();
  await backend.close();
  await host.close();
}

async function expectGolden(desk: Desk, { event, backend, settlement }: GoldenExchange): Promise<void> {
  const answer = await desk.exchange(event, backend);
  expect(comparable(answer, settlement)).toEqual(settlement);
  if (backend === null) expect(desk.calls).toHaveLength(0);
}

test.describe("a plain penpal page", () => {
  for (const golden of goldenExchanges) test(golden.name, ({ plainDesk }) => expectGolden(plainDesk, golden));
});

test.describe("the connector", () => {
  for (const golden of goldenExchanges) test(golden.name, ({ connectorDesk }) => expectGolden(connectorDesk, golden));
});
