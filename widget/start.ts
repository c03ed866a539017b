import { contract } from "../shared/contracts/index.ts";
import { createDispatcher } from "../shared/dispatch.ts";
import type { Settlement } from "../shared/envelope.ts";
import { openPort, type Port } from "../shared/penpal-port.ts";
import { createWindowMessenger } from "../shared/window-messenger.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { handlers } from "./handlers/index.ts";
import { logRefusedOrigins } from "./refused-origins.ts";
import { withoutStacks } from "./stackless-messenger.ts";

export interface StartWidgetOptions {
  /** The page around the widget. */
  readonly parent: Window;
  /** The exact origins that the page may have. At least one. */
  readonly allowedOrigins: readonly string[];
  readonly gateway: GatewayClient;
  /** Hears every settlement as it goes out. */
  readonly onSettled: (settlement: Settlement) => void;
}

/** Starts answering the page around the widget. */
export function startWidget({ parent, allowedOrigins, gateway, onSettled }: StartWidgetOptions): Port {
  logRefusedOrigins(parent, allowedOrigins);
  const dispatch = createDispatcher({ contract, handlers, services: { gateway }, onDefect: reportError });
  const messenger = createWindowMessenger(parent, allowedOrigins);
  return openPort(withoutStacks(messenger), async (event) => {
    const settlement = await dispatch(event);
    onSettled(settlement);
    return settlement;
  });
}
