import { DEFAULT_TIMEOUT_MS, readTimeout } from "../shared/envelope.ts";
import { openPort } from "../shared/penpal-port.ts";
import { createWindowMessenger } from "../shared/window-messenger.ts";
import type { Connector } from "./connector.ts";
import { createConnector } from "./create-connector.ts";
import { checkFrame, mountFrame } from "./frame.ts";

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
  /** How long the handshake may take before `ready` rejects, in milliseconds, 1 to 120,000. @default 10000 */
  readonly handshakeTimeoutMs?: number;
  /** Destroys the connector when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * Mounts the widget, or adopts its frame, and returns a connector to it at once. Requests wait for the handshake.
 *
 * @throws {Error} when an option is not what it should be; the message names it and what was expected.
 */
export function connect(options: ConnectOptions): Connector {
  if (typeof document === "undefined") throw new TypeError("connect: expected to run in a browser");
  const { signal } = options;
  const timeoutMs = readTimeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, "timeoutMs");
  const handshakeTimeoutMs = readTimeout(options.handshakeTimeoutMs ?? DEFAULT_TIMEOUT_MS, "handshakeTimeoutMs");
  const { frame: ownFrame, container, title = "Phone" } = options;
  const src = readSrc(options.src ?? ownFrame?.src);
  if (ownFrame && container) throw new TypeError("frame: expected either a frame or a container, not both");
  if (ownFrame) checkFrame(ownFrame);
  const frame = ownFrame ?? mountFrame({ src, container, title });
  const connector = createConnector({
    open: (receive) => openPort(createWindowMessenger(frame.contentWindow, [src.origin]), receive),
    unavailable: describeUnavailable(src.origin),
    timeoutMs,
    handshakeTimeoutMs,
    onDestroy() {
      signal?.removeEventListener("abort", connector.destroy);
      if (!ownFrame) frame.remove();
    },
  });
  signal?.addEventListener("abort", connector.destroy);
  if (signal?.aborted) connector.destroy();
  return connector;
}

function readSrc(src: string | URL | undefined): URL {
  const url = parseUrl(src);
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  throw new TypeError(`src: expected the widget's absolute http(s) address without credentials, not ${src}`);
}

function parseUrl(text: string | URL | undefined): URL | undefined {
  try {
    return new URL(text ?? "");
  } catch {
    return undefined;
  }
}

function describeUnavailable(origin: string): string {
  return (
    `No widget answered from ${origin}. Check that it can be reached, that it allows this page's origin` +
    ` (${location.origin}), and that this page's Content-Security-Policy has it in frame-src.`
  );
}
