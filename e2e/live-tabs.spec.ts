/** One stream for all tabs of a browser, whatever the browser allows a frame of another site. */
import type { BrowserContext, Page } from "@playwright/test";
import { test as base, expect } from "./fixtures.ts";
import { connectorPage } from "./host-page.ts";
import { type LiveGateway, startLiveGateway } from "./live-gateway.ts";

const test = base.extend<{ live: LiveGateway }>({
  live: async ({ host }, use) => {
    const live = await startLiveGateway({ allowedOrigins: [host.origin] });
    await use(live);
    await live.close();
  },
});

/** Opens a tab whose page follows everybody. */
async function openTab(context: BrowserContext, address: string, widget: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(address);
  await page.evaluate(async (src) => {
    window.connector = window.connect({ src });
    window.announced = [];
    window.connector.on("*", (event) => {
      if (event.type.startsWith("USER.")) window.announced.push(event);
    });
    await window.connector.request("BUS.INIT", { services: ["USER"] });
  }, widget);
  return page;
}

/** The version that a tab was told last. */
const told = (page: Page) =>
  page.evaluate(() => {
    const payload = window.announced.at(-1)?.payload;
    return payload instanceof Object && "version" in payload ? payload.version : undefined;
  });

test("twenty tabs make one stream, and a fetch in the twentieth fulfils", async ({ context, host, live }) => {
  test.slow();
  await live.agents.set(1, { status: "available" });
  const address = host.serve(connectorPage());
  const tabs: Page[] = [];
  for (let tab = 0; tab < 20; tab += 1) tabs.push(await openTab(context, address, `${live.origin}/widget/`));
  const { version } = await live.agents.set(1, { status: "in_call" });
  for (const tab of tabs) await expect.poll(() => told(tab)).toBe(version);
  expect(live.openStreams()).toBe(1);
  expect(live.calls.filter(({ path }) => path.includes("stream"))).toHaveLength(1);
  const fetched = tabs
    .at(-1)
    ?.evaluate(() => window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } }));
  await expect(fetched).resolves.toMatchObject({ status: "in_call" });
});
