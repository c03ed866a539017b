import type { Settlement } from "../shared/protocol/envelope.ts";
import { type CoreOptions, createCore } from "./core.ts";
import { openPort, type Port } from "./transport/penpal-port.ts";
import { logRefusedOrigins } from "./transport/refused-origins.ts";
import { withoutStacks } from "./transport/stackless-messenger.ts";
import { createWindowMessenger } from "./transport/window-messenger.ts";

export interface StartWidgetOptions extends Pick<CoreOptions, "createGateway" | "loadLive"> {
  /** The page around the widget. */
  readonly parent: Window;
  /** The exact origins that the page may have. At least one. */
  readonly allowedOrigins: readonly string[];
  /** Hears every settlement as it goes out. */
  readonly onSettled: (settlement: Settlement) => void;
}

/** Starts answering the page around the widget, and whoever connects after it in the same page. */
export function startWidget(options: StartWidgetOptions): void {
  const { parent, allowedOrigins, createGateway, loadLive, onSettled } = options;
  let pageOrigin: string | undefined;
  let port: Port;
  const core = createCore({
    post: (event) => port.post(event),
    pageOrigin: () => pageOrigin,
    createGateway,
    loadLive,
    onDefect: reportError,
  });

  function serve(): void {
    const messenger = createWindowMessenger(parent, allowedOrigins, onGreeted, onEnded);
    port = openPort(withoutStacks(messenger), async (event) => {
      // With the first event after a handshake the way back is open: the token then comes while nobody waits for it yet.
      core.prepare();
      const settlement = await core.dispatch(event);
      onSettled(settlement);
      return settlement;
    });
  }

  function onGreeted(origin: string): void {
    pageOrigin = origin;
    core.leave();
  }

  function onEnded(): void {
    core.leave();
    serve();
  }

  logRefusedOrigins(parent, allowedOrigins);
  serve();
}
