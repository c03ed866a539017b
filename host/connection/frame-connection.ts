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
 * 5. A page that wants nothing causes no traffic. The connection retries while a request is pending, and while the page is
 *    visible and watches something or observes the state. The heartbeat runs every `heartbeatMs` while a request is pending, and
 *    every 15 s, or `heartbeatMs` if that is longer, while the page is visible and watches something.
 * 6. Iframes of one site share a process, so a widget that hangs takes all of them along. A new process starts only when all
 *    of them are gone. See `connection-registry.ts`.
 * 7. An iframe of the page's own is never removed and never navigated: the connection waits for the page to do it.
 * 8. An iframe that the page takes out, alone or with an element around it, and puts back later is connected again.
 * 9. A page that forgets a connector, or removes its iframe, keeps no listener, observer or timer of this connection, except
 *    the listener on the iframe itself, which goes with the iframe.
 *
 * States:
 *
 *   idle         No iframe in this document. `ensureConnecting` mounts one → loading. The iframe that was there is kept: when
 *                it loads, the page has put it back → loading. An iframe whose container is not in the document yet is mounted
 *                there and waits in the same way.
 *   loading      The iframe is mounted and sent no SYN yet. When the retry timer fires → loading in a new iframe by requirement
 *                5, else → parked. When the iframe loads, a document without the widget's script is likely, and the retry timer
 *                is set to the delay of requirement 4.
 *   handshaking  A SYN was received, also a late one. The retry timer is set to `handshakeTimeoutMs`: the page may be busy.
 *                When the iframe loads, it is set to half of that: the document may be one that has replaced the widget.
 *   open         Events cross in both directions. The heartbeat runs by requirement 5.
 *   parked       The attempt failed and requirement 5 asks for no other. The iframe stays, so a SYN → handshaking. `ensureConnecting`
 *                mounts a new iframe → loading.
 *   closed       The connector was destroyed. No event leads out of this state: `enterState` ignores it.
 *
 * Steps out of `open`:
 *
 * 1. Another SYN, or a second ACK1 or ACK2 → handshaking, in the same iframe: a new document has loaded, or the widget has
 *    connected again and closed the first port.
 * 2. DESTROY → loading, in the same iframe: the widget has closed the connection.
 * 3. The iframe loads and a ping has no reply within `heartbeatMs` → loading: the new document is no widget.
 * 4. The iframe has a new `contentWindow`, because the page moved it → loading in that window. It is not in this document any
 *    more → idle, and every request in flight is rejected.
 * 5. A heartbeat has no reply → every connection of this origin goes to idle, and after all of them → loading.
 */
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { openWindowPort, type Port } from "../../shared/transport/penpal-port.ts";
import type { Timeouts } from "../request/timeouts.ts";
import { claimFrame, getRegistry, type RegisteredConnection, remountAll } from "./connection-registry.ts";
import { isInDocument } from "./frame.ts";
import { observeFramePosition } from "./frame-position.ts";
import { ping } from "./heartbeat.ts";

export interface FrameConnectionOptions {
  /** The widget's exact origin. */
  readonly origin: string;
  /** An iframe of the page's own, which is never removed and never navigated. */
  readonly ownFrame: HTMLIFrameElement | undefined;
  /** The element into which `mount` puts the iframe. `undefined` for the page itself, in which there is always a place. */
  readonly container?: Element | undefined;
  /** Puts a new iframe into the page, or into a container that is not in the document. `undefined` if there is no place for one. */
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
  /** True while a request or `ready` is pending. */
  readonly hasPendingWork: () => boolean;
  /** True while the page watches users or has started services, so that a lost widget must be noticed without a request. */
  readonly isWatching: () => boolean;
  /** True while a request or `ready` is pending, and while the page watches something or observes the state. */
  readonly isWanted: () => boolean;
  /** A widget has connected. */
  readonly onConnected: () => void;
  /** The page was resumed, or the network is back. The connected widget may have gone in the meantime. */
  readonly onPageResumed: () => void;
  /**
   * The connection was lost. With a reason, all in-flight requests are rejected with it. Without one, idempotent requests are
   * sent again after reconnecting.
   */
  readonly onDisconnected: (reason?: BridgeRejectionError) => void;
}

export interface FrameConnection {
  /** Posts an event to the connected widget. Rejects if the connection is closed first. Without a widget it resolves with nothing. */
  post(event: unknown): Promise<unknown>;
  /** Checks at once whether the iframe was removed or moved; an observer would report it later. Call it only while connected. */
  detectFrameMove(): void;
  /**
   * Mounts a new iframe if there is none, or if the last one has failed. If that is impossible, `onDisconnected` gets the
   * reason in a later task.
   */
  ensureConnecting(): void;
  /** Closes the connection for good and removes an iframe that it has mounted. */
  close(): void;
}

type ConnectionState = "idle" | "loading" | "handshaking" | "open" | "parked" | "closed";

/** Shortest interval of the heartbeat without a request in flight. The reply is due at the next one, so that one timer serves both. */
const WATCH_HEARTBEAT_MS = 15_000;

/**
 * Opens a connection: mounts the iframe, or adopts the page's own, and connects to the widget in it.
 *
 * @throws {TypeError} when the page's own iframe belongs to another connection.
 */
export function openFrameConnection(options: FrameConnectionOptions, events: ConnectionEvents): FrameConnection {
  const { origin, ownFrame, container, mount, timeouts, openPort = openWindowPort } = options;
  const { clock, hasPendingWork, isWatching, isWanted, onDisconnected } = events;
  const { handshakeTimeoutMs, retryDelayMs, heartbeatMs } = timeouts;
  const entry: RegisteredConnection = { origin, drop: abandonFrame, renew: remountFrame };
  const releaseOwnFrame = ownFrame && claimFrame(ownFrame);
  let state: ConnectionState = "idle";
  let cancelRetryTimer = (): void => {};
  /** Attempts without a handshake since the last one. */
  let failedAttempts = 0;
  /** In `idle` the iframe that has left the document. Undefined in `closed`. */
  let frame: HTMLIFrameElement | undefined;
  /** The window to which the port leads. An iframe that is moved gets another window. */
  let remoteWindow: Window | null = null;
  let port: Port | undefined;
  /** Delay of the scheduled heartbeat. `Infinity` if none is scheduled. */
  let heartbeatDelayMs = Infinity;
  let cancelHeartbeat = (): void => {};
  /** Removes every listener and observer of the page. */
  let pageListeners: AbortController | undefined;

  /**
   * Enters a state, unless the connection is closed. This is the one place that changes it. The retry timer belongs to the state, so it never outlives it:
   * `retryAfterMs` sets a new one, except for an iframe of the page's own.
   */
  function enterState(next: ConnectionState, retryAfterMs?: number): void {
    if (state === "closed") return;
    state = next;
    cancelRetryTimer();
    if (retryAfterMs !== undefined && !ownFrame) cancelRetryTimer = clock.schedule(retryAfterMs, handleRetryTimer);
  }

  function handleRetryTimer(): void {
    failedAttempts += 1;
    if (hasPendingWork() || (isWanted() && !document.hidden)) remountFrame();
    else enterState("parked");
  }

  function retryDelay(): number {
    return Math.min(handshakeTimeoutMs / 2, retryDelayMs * 2 ** failedAttempts) * (1 - Math.random() / 2);
  }

  /** The iframe's window, if it is in this document. In another one it would talk to another window. */
  function getWindow(): Window | null {
    return frame && isInDocument(frame) ? frame.contentWindow : null;
  }

  /** Opens a port to the window that the iframe has now. */
  function connect(): void {
    remoteWindow = getWindow();
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
    cancelHeartbeat();
    heartbeatDelayMs = Infinity;
  }

  /** Connects again in the same iframe. The connector is called last: its listeners may close this connection. */
  function reconnect(next: ConnectionState, retryAfterMs?: number, reason?: BridgeRejectionError): void {
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
    else if (state === "idle") adoptFrame();
    else if (state === "handshaking") enterState("handshaking", handshakeTimeoutMs / 2);
    else enterState("loading", retryDelay());
  }

  function detectFrameMove(): void {
    if (state === "closed") return;
    const present = getWindow();
    if (!present) {
      disconnect();
      // Only the page can put back its own iframe, or the container.
      onDisconnected(frameRemovedError(!ownFrame && (!container || isInDocument(container))));
    } else if (present !== remoteWindow) reconnect("loading", handshakeTimeoutMs);
  }

  function handlePageResume(event: Event): void {
    // The first load of a page sends `pageshow` as well: only a page out of the back/forward cache has been away.
    if (document.hidden || ("persisted" in event && !event.persisted)) return;
    if (state === "open") events.onPageResumed();
    // A request that was loading when the network failed may hang for ever, and is no failed attempt yet.
    else if ((failedAttempts || event.type === "online") && isWanted()) remountFrame();
  }

  function post(event: unknown): Promise<unknown> {
    if (!port) return Promise.resolve();
    scheduleHeartbeat();
    return port.post(event);
  }

  function sendPing(): Promise<unknown> {
    return post({ type: "BUS.PING" });
  }

  /** Returns the delay of the heartbeat that is needed now. `Infinity` if none is. */
  function getHeartbeatDelay(): number {
    if (hasPendingWork()) return heartbeatMs;
    return isWatching() && !document.hidden ? Math.max(WATCH_HEARTBEAT_MS, heartbeatMs) : Infinity;
  }

  /** Schedules a heartbeat, unless one is due as soon. */
  function scheduleHeartbeat(): void {
    const delay = getHeartbeatDelay();
    if (delay >= heartbeatDelayMs) return;
    cancelHeartbeat();
    heartbeatDelayMs = delay;
    cancelHeartbeat = clock.schedule(delay, runHeartbeat);
  }

  function runHeartbeat(): void {
    const delay = getHeartbeatDelay();
    const isDue = delay <= heartbeatDelayMs;
    heartbeatDelayMs = Infinity;
    // Posting the ping schedules the next heartbeat. After the last request that comes with the longer delay, without a ping.
    if (isDue) ping(clock, delay, sendPing, () => remountAll(origin));
    else scheduleHeartbeat();
  }

  /** Releases the port, and every listener, observer and timer of the page that refers to this connection. */
  function disconnect(): void {
    enterState("idle");
    closePort();
    pageListeners?.abort();
    getRegistry().delete(entry);
  }

  /** Releases the iframe as well, and removes one that this connection has mounted. */
  function detachFrame(): void {
    disconnect();
    frame?.removeEventListener("load", handleLoad);
    if (!ownFrame) frame?.remove();
    frame = undefined;
  }

  function abandonFrame(): void {
    if (state === "closed") return;
    if (ownFrame) {
      const message = "The page's own frame hangs: only the page can load it anew";
      reconnect("loading", undefined, new BridgeRejectionError("WIDGET_UNAVAILABLE", message));
    } else {
      detachFrame();
      onDisconnected();
    }
  }

  /** Mounts a new iframe in place of the last one, unless the page has put the last one back. */
  function remountFrame(): void {
    if (state === "closed" || (state === "idle" ? adoptFrame() : ownFrame)) return;
    detachFrame();
    frame = ownFrame ?? mount();
    frame?.addEventListener("load", handleLoad);
    if (!adoptFrame()) clock.schedule(0, reportRemoval);
  }

  /** Runs in a task of its own, because the page may send a request for each rejection. */
  function reportRemoval(): void {
    if (state === "idle" && !adoptFrame()) onDisconnected(frameRemovedError(false));
  }

  /** Connects to the iframe. Returns false, and does nothing, if it is not in the document. */
  function adoptFrame(): boolean {
    if (!frame || !getWindow()) return false;
    pageListeners = new AbortController();
    const { signal } = pageListeners;
    // When the network or the page is back, a widget may be reachable sooner than the retry timer, or may have gone unnoticed.
    for (const type of ["online", "pageshow", "visibilitychange"]) {
      addEventListener(type, handlePageResume, { signal });
    }
    observeFramePosition(frame, signal, detectFrameMove);
    getRegistry().add(entry);
    connect();
    // After a failed attempt half the time, so that a request that waits for `handshakeTimeoutMs` sees another attempt.
    enterState("loading", failedAttempts ? handshakeTimeoutMs / 2 : handshakeTimeoutMs);
    return true;
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
      releaseOwnFrame?.();
    },
  };
}

function frameRemovedError(canRetry: boolean): BridgeRejectionError {
  return new BridgeRejectionError("CONNECTION_CLOSED", "The frame is not in the document", undefined, canRetry);
}
