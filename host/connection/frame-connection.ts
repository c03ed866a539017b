/**
 * Connection to the widget in one iframe. It outlives the iframe's documents, and it replaces the iframe when needed.
 *
 * Requirements:
 *
 * 1. A page that mounts the widget, or reloads its iframe, is connected as soon as the widget's script has run.
 * 2. The iframe can show a page that is no widget, hang, be moved, be removed, or lose its network at any time. Each loss is
 *    reported at once to the connector, so that no request waits for a reply that cannot come.
 * 3. A reload is noticed although the browser does not report it: the new document sends a SYN with a new participant id.
 * 4. A failed attempt is repeated after a delay that doubles up to half of `handshakeTimeoutMs`. Half of each delay is random,
 *    so that the pages of a widget that was down do not all return in the same moment.
 * 5. A page without pending requests causes no traffic: without them the connection neither retries nor sends heartbeats.
 * 6. Iframes of one site share a process, so a widget that hangs takes all of them along. A new process starts only when all
 *    of them are gone. See `connection-registry.ts`.
 * 7. An iframe of the page's own is never removed and never navigated: the connection waits for the page to do it.
 * 8. A page that forgets a connector, or removes its iframe, keeps no listener, observer or timer of this connection.
 *
 * States:
 *
 *   idle         No iframe. `ensureConnecting` mounts one → loading.
 *   loading      The iframe is mounted and sent no SYN yet. When the retry timer fires → loading in a new iframe if requests
 *                are pending, else → parked. When the iframe loads, a document without the widget's script is likely, and the
 *                retry timer is set to the delay of requirement 4.
 *   handshaking  A SYN was received, also a late one. The retry timer is set to `handshakeTimeoutMs`: the page may be busy.
 *   open         Events cross in both directions. The heartbeat runs while requests are pending.
 *   parked       The attempt failed while no request was pending. The iframe stays, so a SYN → handshaking. `ensureConnecting`
 *                mounts a new iframe → loading.
 *   closed       The connector was destroyed. No event leads out of this state.
 *
 * Steps out of `open`:
 *
 * 1. Another SYN, or a second ACK1 or ACK2 → handshaking, in the same iframe: a new document has loaded, or the widget has
 *    connected again and closed the first port.
 * 2. DESTROY → loading, in the same iframe: the widget has closed the connection.
 * 3. The iframe loads and a ping has no reply within `heartbeatMs` → loading: the new document is no widget.
 * 4. The iframe has a new `contentWindow`, because the page moved it → loading in that window. It has none → idle, and every
 *    request in flight is rejected.
 * 5. A heartbeat has no reply → every connection of this origin goes to idle, and after all of them → loading.
 */
import type { RejectionCode } from "../../shared/protocol/rejection.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { openWindowPort, type Port } from "../../shared/transport/penpal-port.ts";
import type { Timeouts } from "../request/timeouts.ts";
import { getRegistry, type RegisteredConnection, remountAll } from "./connection-registry.ts";
import { observeFramePosition } from "./frame-position.ts";
import { ping } from "./heartbeat.ts";

export interface FrameConnectionOptions {
  /** The widget's exact origin. */
  readonly origin: string;
  /** An iframe of the page's own, which is never removed and never navigated. */
  readonly ownFrame: HTMLIFrameElement | undefined;
  /** Puts a new iframe into the page. `undefined` if the container has left the document. */
  readonly mount: () => HTMLIFrameElement | undefined;
  readonly timeouts: Timeouts;
  /** Opens the page's end of the message channel. @default openWindowPort */
  readonly openPort?: typeof openWindowPort;
}

/** Callbacks of the connector, which sends its requests over the connection. */
export interface ConnectionEvents {
  readonly clock: TimerQueue;
  /** Handles each event that the widget posts. */
  readonly receive: (event: unknown) => unknown;
  /** True while a request or `ready` is pending. If false, the connection neither retries nor sends heartbeats. */
  readonly hasPendingWork: () => boolean;
  /** A widget has connected. */
  readonly onConnected: () => void;
  /** The page was resumed, or the network is back. The connected widget may have gone in the meantime. */
  readonly onPageResumed: () => void;
  /**
   * The connection was lost. With a reason, all in-flight requests are rejected with it. Without one, idempotent requests are
   * sent again after reconnecting.
   */
  readonly onDisconnected: (reason?: ConnectionLoss) => void;
}

/** The reason of a lost connection, as the code and message of a rejection. */
export interface ConnectionLoss {
  readonly code: RejectionCode;
  readonly message: string;
}

export interface FrameConnection {
  /** Posts an event to the connected widget. Rejects if the connection is closed first. Without a widget it resolves with nothing. */
  post(event: unknown): Promise<unknown>;
  /** Checks at once whether the iframe was removed or moved; an observer would report it later. Call it only while connected. */
  detectFrameMove(): void;
  /** Mounts a new iframe if there is none, or if the last one has failed. */
  ensureConnecting(): void;
  /** Closes the connection for good and removes an iframe that it has mounted. */
  close(): void;
}

type ConnectionState = "idle" | "loading" | "handshaking" | "open" | "parked" | "closed";

const FRAME_REMOVED: ConnectionLoss = { code: "CONNECTION_CLOSED", message: "The frame was removed" };

const OWN_FRAME_HANGS: ConnectionLoss = {
  code: "WIDGET_UNAVAILABLE",
  message: "The page's own frame hangs: only the page can load it anew",
};

/** Opens a connection: mounts the iframe, or adopts the page's own, and connects to the widget in it. */
export function openFrameConnection(options: FrameConnectionOptions, events: ConnectionEvents): FrameConnection {
  const { origin, ownFrame, mount, timeouts, openPort = openWindowPort } = options;
  const { clock, hasPendingWork, onDisconnected } = events;
  const { handshakeTimeoutMs, retryDelayMs, heartbeatMs } = timeouts;
  const entry: RegisteredConnection = { origin, drop: abandonFrame, renew: remountFrame };
  let state: ConnectionState = "idle";
  let cancelRetryTimer = (): void => {};
  /** Attempts without a handshake since the last one. */
  let failedAttempts = 0;
  /** Undefined in `idle` and `closed`. */
  let frame: HTMLIFrameElement | undefined;
  /** The window to which the port leads. An iframe that is moved gets another window. */
  let remoteWindow: Window | null = null;
  let port: Port | undefined;
  let isHeartbeatRunning = false;
  /** Removes every listener and observer of the page and of the iframe. */
  let frameListeners: AbortController | undefined;

  /**
   * Enters a state. This is the one place that changes it. The retry timer belongs to the state, so it never outlives it:
   * `retryAfterMs` sets a new one, except for an iframe of the page's own.
   */
  function enterState(next: ConnectionState, retryAfterMs?: number): void {
    state = next;
    cancelRetryTimer();
    if (retryAfterMs !== undefined && !ownFrame) cancelRetryTimer = clock.schedule(retryAfterMs, handleRetryTimer);
  }

  function handleRetryTimer(): void {
    failedAttempts += 1;
    if (hasPendingWork()) remountFrame();
    else enterState("parked");
  }

  function retryDelay(): number {
    return Math.min(handshakeTimeoutMs / 2, retryDelayMs * 2 ** failedAttempts) * (1 - Math.random() / 2);
  }

  /** Opens a port to the window that the iframe has now. */
  function connect(): void {
    remoteWindow = frame?.contentWindow ?? null;
    const onClosed = (): void => {
      if (port === opening && state === "open") reconnect("loading", handshakeTimeoutMs);
    };
    const opening = openPort(
      { remote: remoteWindow, allowedOrigins: [origin], onHandshake: handleHandshake, onClosed },
      events.receive,
    );
    port = opening;
    void opening.opened.then(() => {
      if (port === opening) handleOpened();
    });
  }

  function closePort(): void {
    const closing = port;
    // Before it is closed, so that its end is not taken for the widget's.
    port = undefined;
    closing?.close();
  }

  /** Connects again in the same iframe. The connector is called last: its listeners may close this connection. */
  function reconnect(next: ConnectionState, retryAfterMs?: number, reason?: ConnectionLoss): void {
    closePort();
    connect();
    enterState(next, retryAfterMs);
    onDisconnected(reason);
  }

  function handleHandshake(): void {
    if (state === "open") reconnect("handshaking", handshakeTimeoutMs);
    else enterState("handshaking", handshakeTimeoutMs);
  }

  function handleOpened(): void {
    enterState("open");
    failedAttempts = 0;
    events.onConnected();
  }

  function handleLoad(): void {
    if (state === "open") ping(clock, heartbeatMs, sendPing, () => reconnect("loading", retryDelay()));
    else if (state !== "handshaking") enterState("loading", retryDelay());
  }

  function detectFrameMove(): void {
    const present = frame?.contentWindow;
    if (!present) {
      detachFrame();
      onDisconnected(FRAME_REMOVED);
    } else if (present !== remoteWindow) reconnect("loading", handshakeTimeoutMs);
  }

  function handlePageResume({ type }: Event): void {
    if (document.hidden) return;
    if (state === "open") events.onPageResumed();
    // A request that was loading when the network failed may hang for ever, and is no failed attempt yet.
    else if ((failedAttempts || type === "online") && hasPendingWork()) remountFrame();
  }

  function post(event: unknown): Promise<unknown> {
    if (!isHeartbeatRunning) runHeartbeat();
    return port ? port.post(event) : Promise.resolve();
  }

  function sendPing(): Promise<unknown> {
    return post({ type: "BUS.PING" });
  }

  function runHeartbeat(): void {
    const wasRunning = isHeartbeatRunning;
    isHeartbeatRunning = state === "open" && hasPendingWork();
    if (!isHeartbeatRunning) return;
    if (wasRunning) ping(clock, heartbeatMs, sendPing, () => remountAll(origin));
    clock.schedule(heartbeatMs, runHeartbeat);
  }

  /** Releases the iframe, and every listener, observer and timer that refers to this connection. */
  function detachFrame(): void {
    enterState("idle");
    closePort();
    frameListeners?.abort();
    getRegistry().delete(entry);
    if (!ownFrame) frame?.remove();
    frame = undefined;
  }

  function abandonFrame(): void {
    if (state === "closed") return;
    if (ownFrame) reconnect("loading", undefined, OWN_FRAME_HANGS);
    else {
      detachFrame();
      onDisconnected();
    }
  }

  function remountFrame(): void {
    if (state === "closed" || (ownFrame && state !== "idle")) return;
    detachFrame();
    frame = ownFrame ?? mount();
    if (!frame?.contentWindow) {
      onDisconnected(FRAME_REMOVED);
      return;
    }
    frameListeners = new AbortController();
    const { signal } = frameListeners;
    frame.addEventListener("load", handleLoad, { signal });
    // When the network or the page is back, a widget may be reachable sooner than the retry timer, or may have gone unnoticed.
    for (const type of ["online", "pageshow", "visibilitychange"]) {
      addEventListener(type, handlePageResume, { signal });
    }
    observeFramePosition(frame, signal, detectFrameMove);
    getRegistry().add(entry);
    connect();
    // After a failed attempt half the time, so that a request that waits for `handshakeTimeoutMs` sees another attempt.
    enterState("loading", failedAttempts ? handshakeTimeoutMs / 2 : handshakeTimeoutMs);
  }

  remountFrame();
  return {
    post,
    detectFrameMove,
    ensureConnecting() {
      if (state === "idle" || state === "parked") remountFrame();
    },
    close() {
      detachFrame();
      enterState("closed");
    },
  };
}
