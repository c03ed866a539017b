import type { Settlement } from "../shared/protocol/envelope.ts";
import { openWindowPort, type Port } from "../shared/transport/penpal-port.ts";
import type { PageState, PanelServices } from "./panel/services.ts";
import { logRejectedOrigins } from "./transport/log-rejected-origins.ts";
import { createWidget, type WidgetOptions } from "./widget.ts";

export interface StartWidgetOptions extends Pick<WidgetOptions, "createGateway" | "loadLive" | "reloadDocument"> {
  /** The page around the widget. */
  readonly parent: Window;
  /** The exact origins that the page may have. At least one. */
  readonly allowedOrigins: readonly string[];
  /** Called with changes of the page's state, for the panel. */
  readonly onPageChange: (change: Partial<PageState>) => void;
}

/**
 * Starts the widget, which serves the page around it, and every later connection of the same page.
 *
 * @returns the widget's services for the panel.
 */
export function startWidget(options: StartWidgetOptions): PanelServices {
  const { parent, allowedOrigins, createGateway, loadLive, reloadDocument, onPageChange } = options;
  let pageOrigin: string | undefined;
  let port: Port;
  /** The page's latest request for one agent; `undefined` once the page, or its agent, is another. */
  let latestFetch: unknown;
  logRejectedOrigins(parent, allowedOrigins);
  // First, so that the page answers the SYN while the widget is created: its messages come in later tasks.
  openPort();
  const widget = createWidget({
    post: (event) => port.post(event),
    pageOrigin: () => pageOrigin,
    createGateway,
    loadLive,
    reloadDocument,
    // What was for the last agent is not for the next one.
    onIdentityChanged() {
      latestFetch = undefined;
      onPageChange({ latest: undefined });
    },
    onDefect: reportError,
  });

  function reset(): void {
    widget.reset();
    onPageChange({ isConnected: false });
  }

  function openPort(): void {
    port = openWindowPort(receive, parent, allowedOrigins, onHandshake, onClosed);
  }

  async function receive(event: unknown): Promise<Settlement> {
    // The first event shows that the page can receive calls. The token is fetched now, before a request waits for it. If the page has none,
    // no request waits for an answer that says so.
    const { type, meta } = Object(event);
    const { hasToken, look } = Object(meta);
    const isFetch = type === "API.FETCH_USER_AVAILABILITY";
    if (isFetch) latestFetch = event;
    widget.prefetch(hasToken !== false);
    onPageChange({ isConnected: true, ...(typeof look === "string" && { look }) });
    const settlement = await widget.dispatch(event);
    if (isFetch && event === latestFetch) onPageChange({ latest: settlement });
    return settlement;
  }

  // A new SYN can come without the end of the last connection, as when the page reloads. Either one resets the widget.
  function onHandshake(origin: string): void {
    pageOrigin = origin;
    reset();
  }

  function onClosed(): void {
    reset();
    openPort();
  }

  return widget.panelServices;
}
