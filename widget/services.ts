import type { GatewayClient } from "./gateway/gateway-client.ts";
import type { LiveService } from "./live/live-service.ts";

/** Services of the widget's handlers. */
export interface WidgetServices {
  readonly gateway: GatewayClient;
  readonly live: LiveService;
  /** Asks the page for its token. Resolves after the page's answer. */
  readonly refreshToken: () => Promise<void>;
  /** The page has our connector, which answers each request of the widget. */
  readonly onRegistered: () => void;
  /** Changes with every load of the widget. */
  readonly sessionId: string;
  /** Returns the origin of the page around the widget, as the browser reports it with the page's messages. */
  readonly pageOrigin: () => string | undefined;
}
