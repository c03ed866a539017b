/** Faults of a widget's iframe: from inside the iframe, from its page, and from the browser. */
import { setTimeout as delay } from "node:timers/promises";
import type { BrowserContext, Frame, Page } from "playwright";
import type { Conditions } from "./conditions.ts";
import type { Slot } from "./page/report.ts";

export interface FrameFaultsOptions {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly widgetOrigin: string;
  readonly conditions: Conditions;
}

/** Time limit for an action in a frame, which may hang and never finish. In milliseconds. */
const PATIENCE_MS = 500;

/** The faults of a page's frames. Each resolves with false if there was no frame. */
export function createFrameFaults({ page, context, widgetOrigin, conditions }: FrameFaultsOptions) {
  /** Time at which every hang is over, in milliseconds since 1970. */
  let hangsUntil = 0;

  /** Runs an action in a connector's frame, if present. The frame may be removed, crashed or hung by now. */
  async function inFrame(slot: Slot, act: (frame: Frame) => Promise<unknown>): Promise<boolean> {
    // Found by its address: an element handle would leave listeners of Playwright in the page.
    const frame = page.frames().find((candidate) => candidate.url().endsWith(slot));
    if (frame) await Promise.race([act(frame).catch(() => {}), delay(PATIENCE_MS)]);
    return frame !== undefined;
  }

  function reload(slot: Slot): Promise<boolean> {
    return inFrame(slot, (frame) => frame.evaluate(() => location.reload()));
  }

  function leave(slot: Slot): Promise<boolean> {
    const elsewhere = `${widgetOrigin}/elsewhere?${slot}`;
    return inFrame(slot, (frame) => frame.evaluate((address) => location.assign(address), elsewhere));
  }

  /** Crashes the process that the frames of both connectors share. */
  function crash(slot: Slot): Promise<boolean> {
    return inFrame(slot, async (frame) => {
      const session = await context.newCDPSession(frame);
      await session.send("Page.crash");
    });
  }

  /** Hangs the process that the frames of both connectors share, without waiting for the end of the hang. */
  function hang(slot: Slot, milliseconds: number): Promise<boolean> {
    hangsUntil = Math.max(hangsUntil, Date.now() + milliseconds + PATIENCE_MS);
    const hanging = inFrame(slot, (frame) =>
      frame.evaluate((ms) => {
        const end = performance.now() + ms;
        while (performance.now() < end);
      }, milliseconds),
    );
    return Promise.race([hanging, delay(50, true)]);
  }

  /**
   * Waits until every hang is over, and a crash that was ordered during it. The process may have no frame left that could tell, and
   * a frame that is mounted in a process before it crashes never loads.
   */
  function whenHangsEnd(): Promise<void> {
    return delay(Math.max(0, hangsUntil - Date.now()));
  }

  function setSrc(slot: Slot, path: string): Promise<boolean> {
    return page.evaluate(([where, src]) => window.chaos.setSrc(where, src), [
      slot,
      widgetOrigin + path + slot,
    ] as const);
  }

  function move(what: "frame" | "container", slot: Slot): Promise<boolean> {
    return page.evaluate(([moved, where]) => window.chaos.move(moved, where), [what, slot] as const);
  }

  async function removeFrame(slot: Slot): Promise<boolean> {
    conditions.begin("frame removed", slot);
    const wasThere = await page.evaluate((where) => window.chaos.removeFrame(where), slot);
    conditions.end("frame removed", slot);
    return wasThere;
  }

  async function setContainerIn(isIn: boolean): Promise<void> {
    if (!isIn) conditions.begin("container out", "left");
    if (isIn) await page.evaluate(() => window.chaos.putContainerBack());
    else await page.evaluate(() => window.chaos.removeContainer());
    if (isIn) conditions.end("container out", "left");
  }

  return { reload, leave, crash, hang, whenHangsEnd, setSrc, move, removeFrame, setContainerIn };
}
