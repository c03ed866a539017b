import { contract } from "../shared/contracts/index.ts";
import { createDispatcher } from "../shared/dispatch.ts";
import type { Settlement } from "../shared/envelope.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { handlers } from "./handlers/index.ts";
import { openPort } from "./penpal-port.ts";
import { logRefusedOrigins } from "./refused-origins.ts";
import { withoutStacks } from "./stackless-messenger.ts";
import { createWindowMessenger } from "./window-messenger.ts";

export interface StartWidgetOptions {
  /** The page around the widget. */
  readonly parent: Window;
  /** The exact origins that the page may have. At least one. */
  readonly allowedOrigins: readonly string[];
  readonly gateway: GatewayClient;
  /** Hears every settlement as it goes out. */
  readonly onSettled: (settlement: Settlement) => void;
}

/** Starts answering the page around the widget, and whoever connects after it in the same page. */
export function startWidget({ parent, allowedOrigins, gateway, onSettled }: StartWidgetOptions): void {
  let pageOrigin: string | undefined;
  const sessionId = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const services = { gateway, sessionId, pageOrigin: () => pageOrigin };
  const { dispatch, abortAll } = createDispatcher({ contract, handlers, services, onDefect: reportError });

  function serve(): void {
    const messenger = createWindowMessenger(parent, allowedOrigins, onGreeted, onEnded);
    openPort(withoutStacks(messenger), async (event) => {
      const settlement = await dispatch(event);
      onSettled(settlement);
      return settlement;
    });
  }

  function onGreeted(origin: string): void {
    pageOrigin = origin;
    // Another connector has taken the place of the one that asked.
    abortAll();
  }

  function onEnded(): void {
    abortAll();
    serve();
  }

  logRefusedOrigins(parent, allowedOrigins);
  serve();
}
