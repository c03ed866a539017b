/** The widget's entry. It stands inline in the widget's document, so that a request waits for no second download. */
import * as v from "valibot";
import { readAvailability } from "../shared/availability.ts";
import { Availability } from "../shared/contracts/availability.ts";
import { createHttpGatewayClient } from "./http-gateway-client.ts";
import { readWidgetSettings } from "./settings.ts";
import { showWhenVisible } from "./show-when-visible.ts";
import { startWidget } from "./start.ts";

const { allowedOrigins, apiBase } = readWidgetSettings(document);
const show = showWhenVisible(document.documentElement, async () => (await import("./view.ts")).createView(document));

startWidget({
  parent: window.parent,
  allowedOrigins,
  gateway: createHttpGatewayClient(new URL(apiBase, document.baseURI)),
  onSettled({ type, payload }) {
    if (!type.startsWith("API.FETCH_USER_AVAILABILITY_")) return;
    show(v.is(Availability, payload) ? { availability: payload, reading: readAvailability(payload) } : undefined);
  },
});
