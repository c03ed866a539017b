/** The widget's entry. It stands inline in the widget's document, so that a request waits for no second download. */
import * as v from "valibot";
import { readAvailability } from "../shared/availability.ts";
import { Availability } from "../shared/contracts/availability.ts";
import type { Settlement } from "../shared/envelope.ts";
import { readFeedEvent } from "./feed-event.ts";
import { createHttpGatewayClient } from "./http-gateway-client.ts";
import { readWidgetSettings } from "./settings.ts";
import { showWhenVisible } from "./show-when-visible.ts";
import { startWidget } from "./start.ts";

const { allowedOrigins, apiBase } = readWidgetSettings(document);
const backend = new URL(apiBase, document.baseURI);
const show = showWhenVisible(document.documentElement, async () => {
  const { createView } = await import("./view.ts");
  const view = createView(document, readAvailability);
  // An answer is read where it is shown: an invisible frame's is not, however many there are.
  return ({ payload }: Settlement) => view.show(v.is(Availability, payload) ? payload : undefined);
});

startWidget({
  parent: window.parent,
  allowedOrigins,
  createGateway: (session) => createHttpGatewayClient(backend, session),
  async loadLive({ openStream, readOverview, prove }, options) {
    const { createLive, createSharedFeed, createStreamFeed, listenForWakeUps } = await import("./live/index.ts");
    const readEvent = readFeedEvent;
    const openOwn = createStreamFeed({ openStream, readOverview, readEvent, onDefect: reportError });
    const openFeed = createSharedFeed({ apiBase: backend.href, prove, openOwn, readEvent });
    const live = createLive({ ...options, openFeed });
    listenForWakeUps(window, live.wake);
    return live;
  },
  onSettled(settlement) {
    if (settlement.type.startsWith("API.FETCH_USER_AVAILABILITY_")) show(settlement);
  },
});
