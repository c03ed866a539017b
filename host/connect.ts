import { checkContainer, checkFrame, mountFrame } from "./connection/frame.ts";
import { openLink } from "./connection/link.ts";
import type { Connector } from "./connector.ts";
import { createConnector } from "./create-connector.ts";
import { readDurations } from "./request/durations.ts";
import type { FetchToken } from "./token/page-token.ts";

/** How to connect to a widget. */
export interface ConnectOptions {
  /** The widget's address, absolute, http or https. May be left out where `frame` has one. */
  readonly src?: string | URL;
  /** The element that shows the widget. Without it the frame is invisible. */
  readonly container?: Element;
  /** An iframe of the page's own that holds the widget, instead of `container`. It is never removed and never navigated. */
  readonly frame?: HTMLIFrameElement;
  /** What a screen reader calls the frame. @default "Phone" */
  readonly title?: string;
  /** Life of a request where its caller says nothing, in milliseconds, 1 to 120,000. @default 10000 */
  readonly timeoutMs?: number;
  /**
   * How long `ready`, and each request within its life, waits for a widget, in milliseconds, 1 to 120,000.
   * The connector goes on trying after that while requests wait. @default 10000
   */
  readonly handshakeTimeoutMs?: number;
  /** How long after a failed try to reach the widget the next one follows; it doubles each time. In milliseconds. @default 500 */
  readonly retryDelayMs?: number;
  /** How long the widget may be silent before it counts as hung, while requests are in flight. In milliseconds. @default 2000 */
  readonly heartbeatMs?: number;
  /** Who the page is, for the widget's own records. @default the page's host and "unknown" */
  readonly app?: { readonly name?: string; readonly release?: string };
  /**
   * Gets a token that tells the widget's backend for whom the page asks: a bearer token of 1 to 8192 characters, such as a JWT.
   * The widget asks for one when it connects, shortly before it expires, and when the backend refuses it, and waits 5 s.
   * Without this function it asks the backend without a token.
   */
  readonly fetchToken?: FetchToken;
  /** Destroys the connector when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * Mounts the widget, or adopts its frame, and returns a connector to it at once. Requests wait for the handshake.
 *
 * @throws {Error} when an option is not what it should be; the message names it and what was expected.
 */
export function connect(options: ConnectOptions): Connector {
  if (typeof document === "undefined") throw new TypeError("connect: expected a browser");
  const { signal, frame, container, title = "Phone", app, fetchToken } = options;
  const durations = readDurations(options);
  const src = readSrc(options.src ?? frame?.src);
  if (frame !== undefined) checkFrame(frame);
  if (container !== undefined) checkContainer(container);
  if (frame && container) throw new TypeError("frame: expected no container beside it");
  if (signal && !signal.addEventListener) throw new TypeError("signal: expected an AbortSignal");
  if (fetchToken !== undefined && typeof fetchToken !== "function") {
    throw new TypeError("fetchToken: expected a function");
  }
  const { origin } = src;
  const mount = () => mountFrame(src, container, title);
  const connector = createConnector({
    open: (user) => openLink({ origin, ownFrame: frame, mount, durations }, user),
    // By its origin and not its address, which a page that was made of text or of a blob has none of.
    registration: {
      origin: self.origin,
      appName: app?.name ?? self.origin.replace(/.*\//, ""),
      release: app?.release ?? "unknown",
    },
    unavailable: describeUnavailable(origin),
    durations,
    fetchToken,
    onDestroy: () => signal?.removeEventListener("abort", connector.destroy),
  });
  signal?.addEventListener("abort", connector.destroy);
  if (signal?.aborted) connector.destroy();
  return connector;
}

function readSrc(src: string | URL | undefined): URL {
  try {
    const url = new URL(src ?? "");
    if (/^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  } catch {
    // What is no address at all is told like any other wrong one.
  }
  // Without the address itself, which may hold what nobody else should read.
  throw new TypeError("src: expected an absolute http(s) address without credentials");
}

function describeUnavailable(origin: string): string {
  return (
    `No widget answered from ${origin}. Check that it can be reached, that it allows this page's origin` +
    ` (${self.origin}), and that this page's CSP has it in frame-src.`
  );
}
