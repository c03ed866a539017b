import type { GatewayClient } from "./gateway/gateway-client.ts";
import type { LiveService } from "./live/live-service.ts";

/** What the widget's handlers work with. */
export interface WidgetServices {
  readonly gateway: GatewayClient;
  readonly live: LiveService;
  /** New at every load of the widget. */
  readonly sessionId: string;
  /** The origin of the page around the widget, as the browser tells it with the page's messages. */
  readonly pageOrigin: () => string | undefined;
}
