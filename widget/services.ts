import type { GatewayClient } from "./gateway-client.ts";

/** What the widget's handlers work with. */
export interface WidgetServices {
  readonly gateway: GatewayClient;
  /** New at every load of the widget. */
  readonly sessionId: string;
  /** The origin of the page around the widget, as the browser tells it with the page's messages. */
  readonly pageOrigin: () => string | undefined;
}
