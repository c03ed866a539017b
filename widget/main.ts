/** The widget's entry. It stands inline in the widget's document, so that a request waits for no second download. */

import * as v from "valibot";
import { Availability } from "../shared/contracts/availability.ts";
import { readAvailability } from "../shared/contracts/read-availability.ts";
import { isSettlementTypeOf, type Settlement } from "../shared/protocol/envelope.ts";
import { readChanged } from "./gateway/changed-availability.ts";
import { createHttpGatewayClient } from "./gateway/http-gateway-client.ts";
import { readWidgetSettings } from "./settings.ts";
import { startWidget } from "./start.ts";
import { showWhenVisible } from "./view/show-when-visible.ts";

const { allowedOrigins, apiBase } = readWidgetSettings(document);
const backend = new URL(apiBase, document.baseURI);
const show = showWhenVisible(document.documentElement, async () => {
  const { createView } = await import("./view/view.ts");
  const view = createView(document, readAvailability);
  // An answer is read where it is shown: an invisible frame's is not, however many there are.
  return ({ payload }: Settlement) => view.show(v.is(Availability, payload) ? payload : undefined);
});

startWidget({
  parent: window.parent,
  allowedOrigins,
  createGateway: (session) => createHttpGatewayClient(backend, session),
  async loadLive({ follow, prove, lend }, options) {
    const live = await import("./live/index.ts");
    const readEvent = live.createFeedEventReader(readChanged);
    const calls = live.createFeedCalls({ follow, readChanged });
    const openOwn = live.createStreamFeed({ ...calls, readEvent, onDefect: reportError });
    const openFeed = live.createSharedFeed({ apiBase: backend.href, prove, lend, openOwn, readEvent });
    const following = live.createLive({ ...options, openFeed });
    live.listenForWakeUps(window, following.wake);
    return following;
  },
  onSettled(settlement) {
    if (isSettlementTypeOf("API.FETCH_USER_AVAILABILITY", settlement.type)) show(settlement);
  },
});
