import { createDiagnosis, readOrigin } from "./connection/diagnosis.ts";
import { assertContainer, assertFrame, mountFrame, removeCopies } from "./connection/frame.ts";
import { prepareFrameConnection } from "./connection/frame-connection.ts";
import type { Connector } from "./connector.ts";
import { createConnector } from "./create-connector.ts";
import { DEBUG_HOOK, type DebugHook, readSwitch } from "./debug.ts";
import { parseTimeouts } from "./request/timeouts.ts";
import { findThemeFault } from "./theme.ts";
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
  /**
   * Theme of a widget in a container: `light`, `dark`, or `auto` for that of the person's system, and the page's brand colour after it, as
   * in `dark #7a1fa2` or `#71a`. A colour that cannot be read on the theme becomes darker or lighter. @default "auto"
   */
  readonly theme?: string;
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
  /** Name and release of the page, which the widget receives, cut to 256 characters. @default the page's host and "unknown" */
  readonly app?: { readonly name?: string; readonly release?: string };
  /**
   * Fetches the user's bearer token of 1 to 8192 characters, such as a JWT. The widget requests a token after connecting,
   * shortly before the token expires, and when the backend rejects the token, and waits 5 s. The connector calls the function for the first
   * time at the page's first request or watch, if the widget is not connected yet, so that the token comes while the widget loads.
   * Without `fetchToken` the widget calls the backend without a token.
   */
  readonly fetchToken?: FetchToken;
  /** Destroys the connector when aborted. */
  readonly signal?: AbortSignal;
  /**
   * Hands the connector to the debug log of `availability-bridge/inspector`, which the page has to import before: the log writes what happens into the
   * console, which otherwise says once what to import. `localStorage["availability-bridge:debug"]` does the same. @default false
   */
  readonly debug?: boolean;
}

/** Options of `connect`, with `undefined` for what is not given. */
export type GivenOptions = {
  readonly [Key in Exclude<keyof ConnectOptions, "app">]?: ConnectOptions[Key] | undefined;
} & { readonly app?: { readonly name?: string | undefined; readonly release?: string | undefined } | undefined };

/**
 * Mounts the widget, or adopts the page's iframe, and returns a connector at once. Requests are queued until the handshake.
 *
 * An unknown option is ignored, with a warning in the console.
 *
 * @throws {Error} when an option has a wrong value; the message names the option and what was expected.
 */
export function connect(options: ConnectOptions): Connector {
  // A caller without types may pass no options.
  const { frame, container, signal, fetchToken, theme, debug } = options ?? {};
  if (frame !== undefined) assertFrame(frame);
  if (container !== undefined) assertContainer(container);
  if (frame && container) throw new TypeError("frame: expected no container beside it");
  if (signal && !signal.addEventListener) throw new TypeError("signal: expected an AbortSignal");
  if (fetchToken !== undefined && typeof fetchToken !== "function") {
    throw new TypeError("fetchToken: expected a function");
  }
  const fault = findThemeFault(theme);
  if (fault) throw new TypeError(fault);
  const connector = connectIn(options);
  const shared: Record<symbol, DebugHook | undefined> = globalThis;
  const key = Symbol.for(DEBUG_HOOK);
  if (!shared[key] && (debug || readSwitch())) {
    console.warn('availability-bridge: debug: expected an import of "availability-bridge/inspector" before connect');
    // Once is enough. The import replaces this function.
    shared[key] = () => {};
  }
  shared[key]?.(connector, debug);
  return connector;
}

/**
 * Connects as `connect` does, with a container that may change.
 *
 * @param findContainer Returns the present container, for each new iframe. @default the container of the options
 * @param takeFrame Returns an iframe that is mounted already, for the first one. @default none
 */
export function connectIn(
  options: GivenOptions,
  findContainer?: () => Element | undefined,
  takeFrame?: () => HTMLIFrameElement | undefined,
): Connector {
  if (typeof document === "undefined") throw new TypeError("connect: expected a browser");
  const { src: given, signal, frame, container, title, theme, app, fetchToken, debug: _, ...others } = options ?? {};
  const timeouts = parseTimeouts(others);
  const src = parseSrc(given ?? frame?.src ?? "");
  for (const name of Object.keys(others)) {
    if (!(name in timeouts)) console.warn(`availability-bridge: connect has no option ${name}`);
  }
  let current = container;
  const getContainer = (): Element | undefined => {
    removeCopies();
    if (findContainer) current = findContainer();
    return current;
  };
  const diagnosis = createDiagnosis(src, frame, () => frame ?? current);
  const mount = () => (signal?.aborted ? undefined : (takeFrame?.() ?? mountFrame(src, getContainer(), title)));
  const connector = createConnector(
    prepareFrameConnection(src.origin, frame, getContainer, mount, timeouts, diagnosis),
    // The origin and not the location: a `srcdoc` or blob document has no address.
    {
      origin: readOrigin(),
      // The widget rejects an empty label and a label of more than 256 characters.
      appName: `${app?.name || readOrigin().split("/").pop()}`.slice(0, 256),
      release: `${app?.release || "unknown"}`.slice(0, 256),
    },
    [theme, (frame ?? container)?.closest<HTMLElement>("[lang]")?.lang].join("&"),
    diagnosis.describe,
    timeouts,
    fetchToken,
    () => signal?.removeEventListener("abort", connector.destroy),
  );
  signal?.addEventListener("abort", connector.destroy);
  if (signal?.aborted) connector.destroy();
  return connector;
}

function parseSrc(src: string | URL): URL {
  try {
    const url = new URL(src);
    if (/^https?:$/.test(url.protocol) && !url.username && !url.password && !url.pathname.endsWith(".js")) return url;
  } catch {
    // The error below covers text that is not an address, too.
  }
  // The message omits the address, because the address may contain a password.
  throw new TypeError("src: expected an absolute http(s) address without credentials, ending in /widget/");
}
