import { assertContainer, assertFrame, mountFrame } from "./connection/frame.ts";
import { openFrameConnection } from "./connection/frame-connection.ts";
import type { Connector } from "./connector.ts";
import { createConnector } from "./create-connector.ts";
import { parseTimeouts } from "./request/timeouts.ts";
import type { FetchToken } from "./token/token-provider.ts";

/** Options of `connect`. */
export interface ConnectOptions {
  /** The widget's absolute http(s) address, ending in `/widget/`. Optional if `frame` has an address. */
  readonly src?: string | URL;
  /**
   * The element that shows the widget, of this document. It may come into the document later, and leave and return: the widget
   * loads each time. Without a container the iframe is invisible.
   */
  readonly container?: Element;
  /**
   * An iframe of the page with the widget, instead of `container`. The connector never removes or navigates the iframe. `connect`
   * throws if another connector has the iframe and was not destroyed.
   */
  readonly frame?: HTMLIFrameElement;
  /** Accessible name of the iframe, for screen readers. @default "Phone" */
  readonly title?: string;
  /** Default timeout of a request in milliseconds, 1 to 120,000. @default 10000 */
  readonly timeoutMs?: number;
  /**
   * Maximum wait for a widget in milliseconds, 1 to 120,000, for `ready` and for each request within the request's timeout.
   * After `ready` has rejected, the connector goes on trying, as `ready` says. @default 10000
   */
  readonly handshakeTimeoutMs?: number;
  /** Delay in milliseconds after the first failed connection attempt; doubles after each further failure. @default 500 */
  readonly retryDelayMs?: number;
  /**
   * Heartbeat timeout in milliseconds: after a longer silence with requests in flight, the connector replaces the widget. While a
   * visible page only watches, the timeout is at least 15,000. @default 2000
   */
  readonly heartbeatMs?: number;
  /** Name and release of the page, for the widget's log, cut to 256 characters. @default the page's host and "unknown" */
  readonly app?: { readonly name?: string; readonly release?: string };
  /**
   * Fetches the user's bearer token of 1 to 8192 characters, such as a JWT. The widget requests a token after connecting,
   * shortly before the token expires, and when the backend rejects the token, and waits 5 s.
   * Without `fetchToken` the widget calls the backend without a token.
   */
  readonly fetchToken?: FetchToken;
  /** Destroys the connector when aborted. */
  readonly signal?: AbortSignal;
}

/**
 * Mounts the widget, or adopts the page's iframe, and returns a connector at once. Requests are queued until the handshake.
 *
 * An unknown option is ignored, with a warning in the console.
 *
 * @throws {Error} when an option has a wrong value; the message names the option and what was expected.
 */
export function connect(options: ConnectOptions): Connector {
  if (typeof document === "undefined") throw new TypeError("connect: expected a browser");
  // A caller without types may pass no options.
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
    if (!(name in timeouts)) console.warn(`availability-bridge: connect has no option ${name}`);
  }
  const { origin } = src;
  const mount = () => (signal?.aborted ? undefined : mountFrame(src, container, title));
  const connector = createConnector({
    open: (events) => openFrameConnection({ origin, ownFrame: frame, container, mount, timeouts }, events),
    // The origin and not the location: a `srcdoc` or blob document has no address.
    registration: {
      origin: self.origin,
      // The widget rejects an empty label and a label of more than 256 characters.
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

function parseSrc(src: string | URL | undefined): URL {
  try {
    const url = new URL(src ?? "");
    if (/^https?:$/.test(url.protocol) && !url.username && !url.password && !url.pathname.endsWith(".js")) return url;
  } catch {
    // The error below covers text that is not an address, too.
  }
  // The message omits the address, because the address may contain a password.
  throw new TypeError("src: expected an absolute http(s) address without credentials, ending in /widget/");
}

/** Describes to the page's developer why a widget may fail to connect. */
export function describeUnavailable({ origin, pathname }: URL): string {
  return (
    `No widget answered at ${origin}${pathname}. Check that it can be reached and ends in /widget/, that the vendor` +
    ` allows this page's origin (${self.origin}), and that this page's CSP has it in frame-src`
  );
}
