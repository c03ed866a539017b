/** A widget that says nothing of some things, as one that takes long does. */
import type { Frame, Page } from "@playwright/test";

declare global {
  interface Window {
    /** What requests of this type get is not posted. */
    silentAbout: string | undefined;
    /** How many settlements have not been posted. */
    unanswered: number;
  }
}

/** The frame of the widget at this origin. */
export function widgetFrame(page: Page, { origin }: { readonly origin: string }): Frame {
  const frame = page.frames().find((candidate) => candidate.url().startsWith(origin));
  if (!frame) throw new Error("The page has no widget");
  return frame;
}

/** Has the widget leave requests of this type unanswered. */
export async function keepSilentAbout(widget: Frame, type: string): Promise<void> {
  await widget.evaluate((silentAbout) => {
    Object.assign(window, { silentAbout, unanswered: 0 });
    const { postMessage } = MessagePort.prototype;
    MessagePort.prototype.postMessage = function (message: unknown, ...rest: unknown[]): void {
      const settlement = Object(Reflect.get(Object(message), "value"));
      const isSilent = window.silentAbout && String(settlement.type).startsWith(window.silentAbout);
      if (isSilent) window.unanswered += 1;
      else Reflect.apply(postMessage, this, [message, ...rest]);
    };
  }, type);
}

/** How many requests the widget has left unanswered. */
export function countUnanswered(widget: Frame): Promise<number> {
  return widget.evaluate(() => window.unanswered);
}

/** Has the widget answer everything from now on. What it has not answered, it never does. */
export async function speakAgain(widget: Frame): Promise<void> {
  await widget.evaluate(() => {
    window.silentAbout = undefined;
  });
}
