/** The real widget in memory, without window, network and panel. */
import { readRequestRef } from "../shared/protocol/envelope.ts";
import { createTimerQueue } from "../shared/runtime/timer-queue.ts";
import { completeBrowser } from "../widget/complete-browser.ts";
import type { OpenFeed } from "../widget/live/change-feed.ts";
import { createLive } from "../widget/live/live.ts";
import { createWidget } from "../widget/widget.ts";
import type { OpenWidget } from "./memory-connection.ts";
import { planHandlers } from "./planned-handlers.ts";
import type { Vendor } from "./vendor.ts";
import { createVendorClient } from "./vendor-client.ts";

/** Records an event of the page, valid or not. */
function recordEvent(vendor: Vendor, event: unknown): void {
  const { type } = readRequestRef(event);
  const { payload }: { readonly payload?: unknown } = Object(event);
  vendor.record(payload === undefined ? { type } : { type, payload });
}

/**
 * Creates a function that opens documents of the widget.
 *
 * @param pageOrigin Returns the origin of the page; `undefined` before the handshake.
 * @param userId The signed-in agent. @default the subject of the page's token
 */
export function prepareVendorWidget(
  vendor: Vendor,
  pageOrigin: () => string | undefined,
  userId: number | undefined,
): OpenWidget {
  // jsdom and happy-dom lack members that the widget uses, as old browsers do.
  completeBrowser(globalThis);
  return (post) => {
    const { schedule } = createTimerQueue();
    let openFeed: OpenFeed | undefined;
    const widget = createWidget({
      post,
      pageOrigin,
      handlers: planHandlers(vendor, schedule),
      createGateway(session) {
        const client = createVendorClient(vendor, session, schedule);
        openFeed = client.openFeed;
        return client;
      },
      async loadLive(_gateway, options) {
        if (!openFeed) throw new Error("The widget has no client of the backend");
        return createLive({
          ...options,
          openFeed,
          isVisible: () => true,
          async identify() {
            const subject = await options.identify();
            return userId === undefined ? subject : String(userId);
          },
        });
      },
      reloadDocument() {},
      onIdentityChanged() {},
      onDefect(error) {
        throw error;
      },
    });
    return {
      receive(event) {
        recordEvent(vendor, event);
        widget.prefetch(Object(Object(event).meta).hasToken !== false);
        return widget.dispatch(event);
      },
      close: widget.reset,
    };
  };
}
