import type { GatewayClient } from "./gateway-client.ts";

/** What the widget's handlers work with. */
export interface WidgetServices {
  readonly gateway: GatewayClient;
}
