import type { Settlement } from "../shared/protocol/envelope.ts";
import { openWindowPort, type Port } from "../shared/transport/penpal-port.ts";
import { logRejectedOrigins } from "./transport/log-rejected-origins.ts";
import { createWidget, type WidgetOptions } from "./widget.ts";

export interface StartWidgetOptions
  extends Pick<WidgetOptions, "createGateway" | "loadLive" | "reloadDocument" | "onAnnounced" | "onIdentityChanged"> {
  /** The page around the widget. */
  readonly parent: Window;
  /** The exact origins that the page may have. At least one. */
  readonly allowedOrigins: readonly string[];
  /** Called with every settlement before it is sent. */
  readonly onSettled: (settlement: Settlement) => void;
}

/** Starts the widget, which serves the page around it, and every later connection of the same page. */
export function startWidget(options: StartWidgetOptions): void {
  const { parent, allowedOrigins, createGateway, loadLive, reloadDocument, onAnnounced, onIdentityChanged, onSettled } =
    options;
  let pageOrigin: string | undefined;
  let port: Port;
  const widget = createWidget({
    post: (event) => port.post(event),
    pageOrigin: () => pageOrigin,
    createGateway,
    loadLive,
    reloadDocument,
    onAnnounced,
    onIdentityChanged,
    onDefect: reportError,
  });

  function openPort(): void {
    port = openWindowPort({ remote: parent, allowedOrigins, onHandshake, onClosed }, async (event) => {
      // The first event shows that the page can receive calls. The token is fetched now, before a request waits for it.
      widget.prefetch();
      const settlement = await widget.dispatch(event);
      onSettled(settlement);
      return settlement;
    });
  }

  // A new SYN can come without the end of the last connection, as when the page reloads. Either one resets the widget.
  function onHandshake(origin: string): void {
    pageOrigin = origin;
    widget.reset();
  }

  function onClosed(): void {
    widget.reset();
    openPort();
  }

  logRejectedOrigins(parent, allowedOrigins);
  openPort();
}
