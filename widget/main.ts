/** Entry of the widget. The script is inline in the document, so that the first request waits for no second download. */

import * as v from "valibot";
import { Availability } from "../shared/contracts/availability.ts";
import { readAvailability } from "../shared/contracts/read-availability.ts";
import { parseChangedAvailability } from "./gateway/changed-availability.ts";
import { createHttpGatewayClient } from "./gateway/http-gateway-client.ts";
import { readWidgetSettings } from "./settings.ts";
import { startWidget } from "./start-widget.ts";
import { showWhenVisible } from "./view/show-when-visible.ts";
import { createShownAgent, type ViewContent } from "./view/shown-agent.ts";

const { allowedOrigins, apiBase } = readWidgetSettings(document);
const backend = new URL(apiBase, document.baseURI);
const show = showWhenVisible(document.documentElement, async () => {
  const { createView } = await import("./view/view.ts");
  const view = createView(document, readAvailability);
  // An availability is checked only when it is shown, so an invisible frame checks none.
  return (content: ViewContent) => {
    if (content.kind !== "availability") view.show({ kind: content.kind });
    else if (!v.is(Availability, content.availability)) view.show({ kind: "failed" });
    else view.show({ ...content, availability: content.availability });
  };
});
const shownAgent = createShownAgent(show);

startWidget({
  parent: window.parent,
  allowedOrigins,
  createGateway: (session) => createHttpGatewayClient(backend, session),
  async loadLive({ openLive, verifyToken, provideToken }, options) {
    const live = await import("./live/index.ts");
    const parseEvent = live.createFeedEventParser(parseChangedAvailability);
    const liveApi = live.createLiveApi({ openLive, parseChanged: parseChangedAvailability });
    const openOwnFeed = live.createStreamFeed({ ...liveApi, parseEvent, onDefect: reportError });
    const openFeed = live.createSharedFeed({
      apiBase: backend.href,
      verifyToken,
      provideToken,
      openOwnFeed,
      parseEvent,
    });
    const liveUpdates = live.createLive({ ...options, openFeed });
    live.onPageResume(window, liveUpdates.checkConnection);
    return liveUpdates;
  },
  reloadDocument: () => location.reload(),
  onSettled: shownAgent.handleSettlement,
  onAnnounced: shownAgent.handleAnnouncement,
  onIdentityChanged: shownAgent.clear,
});
