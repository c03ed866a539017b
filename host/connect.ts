import { assertContainer, assertFrame, mountFrame } from "./connection/frame.ts";
import { openFrameConnection } from "./connection/frame-connection.ts";
import type { Connector } from "./connector.ts";
import { createConnector } from "./create-connector.ts";
import { parseTimeouts } from "./request/timeouts.ts";
import type { FetchToken } from "./token/token-provider.ts";

/** How to connect to a widget. */
export interface ConnectOptions {
  /** The widget's address, absolute, http or https; it ends in `/widget/`. Optional if `frame` has an address. */
  readonly src?: string | URL;
  /** The element that shows the widget. Without it the frame is invisible. */
  readonly container?: Element;
  /** An iframe of the page's own that holds the widget, instead of `container`. The connector never removes or navigates it. */
  readonly frame?: HTMLIFrameElement;
  /** The name that a screen reader gives the frame. @default "Phone" */
  readonly title?: string;
  /** Timeout of a request whose caller sets none, in milliseconds, 1 to 120,000. @default 10000 */
  readonly timeoutMs?: number;
  /**
   * How long `ready`, and each request within its timeout, waits for a widget, in milliseconds, 1 to 120,000.
   * The connector goes on trying after that while requests wait. @default 10000
   */
  readonly handshakeTimeoutMs?: number;
  /** Delay between a failed attempt to reach the widget and the next; it doubles each time. In milliseconds. @default 500 */
  readonly retryDelayMs?: number;
  /** How long the widget may be silent while requests are in flight, before the connector replaces it. In milliseconds. @default 2000 */
  readonly heartbeatMs?: number;
  /** Name and release of the page, for the widget's own records, each cut to 256 characters. @default the page's host and "unknown" */
  readonly app?: { readonly name?: string; readonly release?: string };
  /**
   * Gets a token that tells the widget's backend for whom the page asks: a bearer token of 1 to 8192 characters, such as a JWT.
   * The widget requests one when it connects, shortly before it expires, and when the backend rejects it, and waits 5 s.
   * Without this function the widget calls the backend without a token.
   */
  readonly fetchToken?: FetchToken;
  /** Destroys the connector when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * Mounts the widget, or adopts its frame, and returns a connector to it at once. Requests wait for the handshake.
 *
 * A name among the options that is none of the above is ignored, with a warning in the console.
 *
 * @throws {Error} when an option has a wrong value; the message names the option and what was expected.
 */
export function connect(options: ConnectOptions): Connector {
  if (typeof document === "undefined") throw new TypeError("connect: expected a browser");
  // A caller without types may give none.
  const { src: given, signal, frame, container, title = "Phone", app, fetchToken, ...others } = options ?? {};
  const timeouts = parseTimeouts(others);
  const src = parseSrc(given ?? frame?.src);
  if (frame !== undefined) assertFrame(frame);
  if (container !== undefined) assertContainer(container);
  if (frame && container) throw new TypeError("frame: expected no container beside it");
  if (signal && !signal.addEventListener) throw new TypeError("signal: expected an AbortSignal");
  if (fetchToken !== undefined && typeof fetchToken !== "function") {
    throw new TypeError("fetchToken: expected a function");
  }
  for (const name of Object.keys(others)) {
    if (!(name in timeouts)) {
      const known = [OTHER_OPTIONS, ...Object.keys(timeouts)].join(", ");
      console.warn(`availability-bridge: connect: options.${name}: expected ${known}`);
    }
  }
  const { origin } = src;
  const mount = () => mountFrame(src, container, title);
  const connector = createConnector({
    open: (events) => openFrameConnection({ origin, ownFrame: frame, mount, timeouts }, events),
    // The origin and not the location, since a document made of text or of a blob has no address.
    registration: {
      origin: self.origin,
      // The widget rejects an empty label, and one that is longer.
      appName: `${app?.name || self.origin.replace(/.*\//, "")}`.slice(0, 256),
      release: `${app?.release || "unknown"}`.slice(0, 256),
    },
    unavailable: describeUnavailable(src),
    timeouts,
    fetchToken,
    onDestroy: () => signal?.removeEventListener("abort", connector.destroy),
  });
  signal?.addEventListener("abort", connector.destroy);
  if (signal?.aborted) connector.destroy();
  return connector;
}

/** The options that are no timeouts. */
const OTHER_OPTIONS = "src, container, frame, title, app, fetchToken, signal";

function parseSrc(src: string | URL | undefined): URL {
  try {
    const url = new URL(src ?? "");
    if (/^https?:$/.test(url.protocol) && !url.username && !url.password && !url.pathname.endsWith(".js")) return url;
  } catch {
    // A text that is no address gets the same error as a wrong address.
  }
  // The message leaves the address out, which may hold a password.
  throw new TypeError(
    "connect: options.src: expected an absolute http(s) address without credentials, ending in /widget/",
  );
}

/** Describes the likely causes of a widget that does not connect, for a developer of the page. */
export function describeUnavailable({ origin, pathname }: URL): string {
  return (
    `No widget answered at ${origin}${pathname}. Check that it can be reached and ends in /widget/, that the vendor` +
    ` allows this page's origin (${self.origin}), and that this page's CSP has it in frame-src`
  );
}
