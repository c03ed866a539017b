/** Entry of the widget. The script is inline in the document, so that the first request waits for no second download. */

import * as v from "valibot";
import { Availability } from "../shared/contracts/availability.ts";
import { readAvailability } from "../shared/contracts/read-availability.ts";
import { isSettlementTypeOf, type Settlement } from "../shared/protocol/envelope.ts";
import { parseChangedAvailability } from "./gateway/changed-availability.ts";
import { createHttpGatewayClient } from "./gateway/http-gateway-client.ts";
import { readWidgetSettings } from "./settings.ts";
import { startWidget } from "./start-widget.ts";
import { showWhenVisible } from "./view/show-when-visible.ts";

const { allowedOrigins, apiBase } = readWidgetSettings(document);
const backend = new URL(apiBase, document.baseURI);
const show = showWhenVisible(document.documentElement, async () => {
  const { createView } = await import("./view/view.ts");
  const view = createView(document, readAvailability);
  // A settlement is checked only when it is shown, so an invisible frame checks none.
  return ({ payload }: Settlement) => view.show(v.is(Availability, payload) ? payload : undefined);
});

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
  onSettled(settlement) {
    if (isSettlementTypeOf("API.FETCH_USER_AVAILABILITY", settlement.type)) show(settlement);
  },
});
