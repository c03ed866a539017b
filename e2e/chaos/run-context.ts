/** Environment of a run: a page with two connectors, the widget's site, and a record of the faults. */
import { setTimeout as delay } from "node:timers/promises";
import { createConditions } from "./conditions.ts";
import { createFrameFaults } from "./frame-faults.ts";
import type { Rudeness } from "./page/harness.ts";
import type { Ask, Slot } from "./page/report.ts";
import type { ChaosSetup } from "./setup.ts";
import { type BackendMode, startWidgetSite } from "./widget-site.ts";

/** Actions on the environment, and its state. */
export type RunContext = Awaited<ReturnType<typeof openRunContext>>;

/** Opens a page with two connectors in a new browser context, over a new widget's site. */
export async function openRunContext({ browser, host, address, files }: ChaosSetup) {
  const site = await startWidgetSite({ files, allowedOrigin: host.origin });
  const context = await browser.newContext();
  const page = await context.newPage();
  const uncaught: string[] = [];
  page.on("pageerror", ({ message }) => {
    if (!message.includes("A listener of the chaos throws")) uncaught.push(message);
  });
  await page.goto(address);
  const conditions = createConditions();
  let mode: BackendMode = "answers";

  async function connect(slot: Slot): Promise<void> {
    const src = `${site.origin}/widget/?${slot}`;
    await page.evaluate(([where, address]) => window.chaos.connect(where, address), [slot, src] as const);
    conditions.end("destroyed", slot);
  }
  await connect("left");
  await connect("right");

  return {
    page,
    conditions: conditions.all,
    /** Uncaught errors of the page and of widgets. */
    uncaught,
    connect,
    async destroy(slot: Slot): Promise<void> {
      conditions.begin("destroyed", slot);
      await page.evaluate((where) => window.chaos.destroy(where), slot);
    },
    ask: (slot: Slot, asks: readonly Ask[]): Promise<void> =>
      page.evaluate(([where, list]) => window.chaos.ask(where, list), [slot, asks] as const),
    async listenRudely(slot: Slot, rudeness: Rudeness): Promise<void> {
      if (rudeness === "destroys") conditions.begin("destroyed", slot);
      await page.evaluate(([where, how]) => window.chaos.listenRudely(where, how), [slot, rudeness] as const);
      // Waits for a settlement first, so that the listener's action runs in its turn.
      const asks: Ask[] = [{ kind: "unsendable", isNamed: false, lifeMs: 1_000 }];
      await page.evaluate(([where, list]) => window.chaos.ask(where, list), [slot, asks] as const);
    },
    /** Waits until a connector has a widget, for a limited time. */
    waitForWidget: (slot: Slot): Promise<void> => page.evaluate((where) => window.chaos.waitForWidget(where), slot),
    pause: (milliseconds: number): Promise<void> => delay(milliseconds),
    ...createFrameFaults({ page, context, widgetOrigin: site.origin, conditions }),
    async setVisible(isVisible: boolean): Promise<void> {
      await page.evaluate((hidden) => window.chaos.setHidden(hidden), !isVisible);
    },
    async setOnline(isOnline: boolean): Promise<void> {
      if (!isOnline) conditions.begin("offline");
      await context.setOffline(!isOnline);
      if (isOnline) conditions.end("offline");
    },
    async setServing(isServing: boolean): Promise<void> {
      if (!isServing) conditions.begin("server refuses");
      await (isServing ? site.accept() : site.refuse());
      if (isServing) conditions.end("server refuses");
    },
    async setBackend(next: BackendMode): Promise<void> {
      if (next !== "answers") conditions.begin(`backend ${next}`);
      site.setBackend(next);
      if (mode !== "answers") conditions.end(`backend ${mode}`);
      mode = next;
    },
    async close(): Promise<void> {
      await context.close();
      // A server that already refuses connections has none to close.
      await site.refuse();
    },
  };
}
