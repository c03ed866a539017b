/** Entry of the widget. The script is inline in the document, so that the first request waits for no second download. */

import "./older-browsers.ts";
import * as v from "valibot";
import { Availability } from "../shared/contracts/availability.ts";
import { readAvailability } from "../shared/contracts/read-availability.ts";
import { createTimerQueue } from "../shared/runtime/timer-queue.ts";
import { parseChangedAvailability } from "./gateway/changed-availability.ts";
import { subtractElapsed } from "./gateway/elapsed-time.ts";
import { createHttpGatewayClient } from "./gateway/http-gateway-client.ts";
import { createModuleLoader } from "./live/module-loader.ts";
import { loadWhenVisible } from "./panel/load-when-visible.ts";
import type { PageState, Panel } from "./panel/services.ts";
import { readWidgetSettings } from "./settings.ts";
import { startWidget } from "./start-widget.ts";

/** Address of the live part's file, relative to the document, with a placeholder for the name that the build gives the file. */
const LIVE_PART = "./assets/live-part-placeholder.js";

/** Timeout of the question whether the gateway serves the document, in milliseconds: less than the page's shortest pause. */
const DOCUMENT_TIMEOUT_MS = 3_500;

const { allowedOrigins, apiBase } = readWidgetSettings(document);
const backend = new URL(apiBase, document.baseURI);
const loadLivePart = createModuleLoader(importLivePart);

/** Imports the live part. Its address cannot have a query unless it is known, by the placeholder that the build replaces. */
function importLivePart(query: string): Promise<typeof import("./live/index.ts")> {
  return query ? import(/* @vite-ignore */ `${LIVE_PART}${query}`) : import("./live/index.ts");
}

/**
 * Loads the document again if the gateway serves it. Otherwise another document would be an error page, and requests in flight would be
 * lost for nothing.
 */
async function reloadDocument(): Promise<void> {
  try {
    const signal = AbortSignal.timeout(DOCUMENT_TIMEOUT_MS);
    const { ok } = await fetch(location.href, { method: "HEAD", cache: "no-store", signal });
    if (ok) location.reload();
  } catch {
    // The next failure of the live part asks again.
  }
}

let panel: Panel | undefined;
let pageState: PageState = { isConnected: false, latest: undefined };

function updatePanel(change: Partial<PageState>): void {
  pageState = { ...pageState, ...change };
  panel?.update(pageState);
}

const panelServices = startWidget({
  parent: window.parent,
  allowedOrigins,
  createGateway: (session) => createHttpGatewayClient(backend, session),
  async loadLive({ openLive, verifyToken, provideToken }, options) {
    const live = await loadLivePart();
    const parseEvent = live.createFeedEventParser(parseChangedAvailability);
    const liveApi = live.createLiveApi({ openLive, parseChanged: parseChangedAvailability });
    const openOwnFeed = live.createStreamFeed({
      ...liveApi,
      parseEvent,
      onDefect: reportError,
      createTimers: createTimerQueue,
    });
    const check = (): void => liveUpdates.checkConnection();
    const isVisible = live.createVisibility(document, check);
    const shared = { apiBase: backend.href, verifyToken, provideToken, openOwnFeed };
    const openFeed = live.createSharedFeed({ ...shared, onShown: check });
    const openPanelFeed = live.createPanelFeed({ document, openOwnFeed, openFeed, isVisible });
    const liveUpdates = live.createLive({ ...options, openFeed, openPanelFeed, isVisible });
    live.onPageResume(window, check);
    return liveUpdates;
  },
  reloadDocument: () => void reloadDocument(),
  onPageChange: updatePanel,
});

loadWhenVisible(document.documentElement, async () => {
  const { createPanel } = await import("./panel/index.ts");
  panel = createPanel(document, {
    ...panelServices,
    isAvailability: (value) => v.is(Availability, value),
    readAvailability,
    subtractElapsed,
  });
  panel.update(pageState);
});
