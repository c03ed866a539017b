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
 *    the listener on the iframe itself, which goes with the iframe, and the last search for a lost iframe, which keeps nothing alive.
 *
 * States. Each has only the data that it needs (`ConnectionState`), and at most one timer:
 *
 *   idle         No iframe in this document. The iframe that was there is kept: when it loads, the page has put it back. An iframe
 *                whose container is not in the document yet is mounted there and waits in the same way. While the page watches or
 *                observes, the connection also looks every 5 s: an iframe whose process crashes as it is put back never loads,
 *                and a container may be put back without its iframe.
 *   loading      The iframe is mounted and sent no SYN yet. The retry timer runs, except for an iframe of the page's own.
 *   handshaking  A SYN was received, also a late one. The retry timer runs as well, but longer: the page may be busy.
 *   open         Events cross in both directions. The heartbeat runs by requirement 5.
 *   parked       The attempt failed and requirement 5 asks for no other. The iframe stays, so that a late SYN is received.
 *   closed       The connector was destroyed. No event leads out of this state.
 *
 * Transitions, all made by `transition`. The word after a state is the delay of its retry timer: `full` is `handshakeTimeoutMs`,
 * `half` is half of that, and `delay` is the delay of requirement 4. `mount` is `loading` in a new iframe, or in the last one if
 * the page has put it back; `idle` if there is no place for an iframe. A dot: the event changes nothing, or cannot happen.
 *
 *   event                 idle          loading           handshaking       open              parked
 *   connect()             mount         ·                 ·                 ·                 mount
 *   the iframe loads      loading full  loading delay     handshaking half  a ping is sent    loading delay
 *   the iframe is found   loading full  ·                 ·                 ·                 ·
 *   a place is found      mount         ·                 ·                 ·                 ·
 *   SYN, ACK1, ACK2       ·             handshaking full  handshaking full  handshaking full  handshaking full
 *   handshake ends        ·             open              open              ·                 open
 *   retry timer, wanted   ·             mount             mount             ·                 ·
 *   retry timer           ·             parked            parked            ·                 ·
 *   page is back, wanted  ·             mount             mount             (reported)        mount
 *   DESTROY               ·             ·                 ·                 loading full      ·
 *   no reply after load   ·             ·                 ·                 loading delay     ·
 *   iframe moved          ·             loading full      loading full      loading full      loading full
 *   iframe removed        ·             idle              idle              idle              idle
 *   widget hangs          ·             idle              idle              idle              idle
 *   all hung are gone     mount         mount             mount             ·                 mount
 *   close()               closed        closed            closed            closed            closed
 *
 * An iframe of the page's own is not mounted anew outside `idle`; after `widget hangs` it is `loading`, and its requests are
 * rejected. A page is back when it is shown or resumed after a failed attempt, or when it is online again. A widget hangs when a
 * heartbeat has no reply, for every connection of its origin at once. Each transition out of `open` is reported to the connector,
 * except that to `closed`. After a failed attempt a mount has half the time.
 */
import type { Envelope } from "../../shared/protocol/envelope.ts";
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { openWindowPort, type Port } from "../../shared/transport/penpal-port.ts";
import type { Timeouts } from "../request/timeouts.ts";
import { claimFrame, getRegistry, type RegisteredConnection, remountAll } from "./connection-registry.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { isInDocument } from "./frame.ts";
import { observeFramePosition } from "./frame-position.ts";
import { isHidden, ping } from "./heartbeat.ts";

/**
 * Opens a connection for a connector, which sends its requests over it: mounts the iframe, or adopts the page's own, and connects
 * to the widget in it.
 *
 * @param receive Handles each event that the widget posts.
 * @param getNeed Returns the strongest need of a widget; of a hidden page only a request counts.
 * @param onConnected Called when a widget has connected.
 * @param onResumed Called when the page was resumed, or the network is back. The connected widget may have gone in the meantime.
 * @param onLost Called when the connection was lost. With a reason, all in-flight requests are rejected with it. Without one,
 *   idempotent requests are sent again after reconnecting.
 * @param postPing Posts a heartbeat by `post` of this connection, and tells observers.
 * @throws {TypeError} when the page's own iframe belongs to another connection.
 */
export type OpenConnection = (
  clock: TimerQueue,
  receive: (event: unknown) => unknown,
  getNeed: (isHidden: boolean) => ConnectionNeed,
  onConnected: () => void,
  onResumed: () => void,
  onLost: (reason?: BridgeRejectionError) => void,
  postPing: (ping: Envelope) => Promise<unknown>,
) => FrameConnection;

/**
 * Reason to have a widget: a pending request or `ready`, watched users or started services, or an observer of the state.
 */
export type ConnectionNeed = "request" | "watch" | "state" | undefined;

export interface FrameConnection {
  /** Posts an event to the connected widget. Rejects if the connection is closed first. Without a widget it resolves with nothing. */
  post(event: unknown): Promise<unknown>;
  /** Checks at once whether the iframe was removed or moved; an observer would report it later. Call it only while connected. */
  checkFrame(): void;
  /**
   * Mounts a new iframe if there is none, or if the last one has failed. If that is impossible, `onLost` gets the
   * reason in a later task.
   */
  connect(): void;
  /** Closes the connection for good and removes an iframe that it has mounted. */
  close(): void;
}

/** A port to the iframe's window, and the listeners of the page that go with it. */
interface Link {
  readonly port: Port;
  /** An iframe that is moved gets another window. */
  readonly remote: Window;
  /** Closes the port, and removes every listener and observer of the page. */
  close(): void;
}

interface LinkedState extends Link {
  readonly name: "loading" | "handshaking" | "open" | "parked";
  /** Cancels the timer of the state: the retry timer, in `open` the heartbeat. */
  cancel: () => void;
  /** Delay of the heartbeat in `open`. `Infinity` if none is scheduled. */
  timeoutMs: number;
}

/** A state without an iframe in the document, and so without any data of a link. */
type UnlinkedState = { readonly [Key in Exclude<keyof LinkedState, "name" | "cancel">]?: undefined } & {
  readonly name: "idle" | "closed";
  /** In `idle` ends the search for the iframe. */
  readonly cancel?: () => void;
};

type ConnectionState = UnlinkedState | LinkedState;

/** Shortest interval of the heartbeat without a request in flight. The reply is due at the next one, so that one timer serves both. */
const WATCH_HEARTBEAT_MS = 15_000;

/** Interval of the search for a lost iframe, or for a place for another. */
const SEARCH_INTERVAL_MS = 5_000;

/** Events of the window that may mean that the network or the page is back. */
const RESUME_EVENTS = ["online", "pageshow", "visibilitychange"];

/** Event of the window for each request that a policy of the page forbids. */
const VIOLATION = "securitypolicyviolation";

/**
 * Creates the function that opens a connection over an iframe.
 *
 * @param origin The widget's exact origin.
 * @param ownFrame An iframe of the page's own, which is never removed and never navigated.
 * @param getContainer Returns the element into which `mount` puts the iframe, and may move the iframe into another one. `undefined`
 *   for the page itself, in which there is always a place.
 * @param mount Puts a new iframe into the page, or into a container that is not in the document. Returns `undefined` if there is
 *   no place for one.
 * @param diagnosis Receives the evidence from which the rejection of a request without a widget is made.
 * @param openPort Opens the page's end of the message channel.
 */
export function prepareFrameConnection(
  origin: string,
  ownFrame: HTMLIFrameElement | undefined,
  getContainer: () => Element | undefined,
  mount: () => HTMLIFrameElement | undefined,
  { handshakeTimeoutMs, retryDelayMs, heartbeatMs }: Timeouts,
  { learn, forget, probe }: Omit<Diagnosis, "describe">,
  openPort: typeof openWindowPort = openWindowPort,
): OpenConnection {
  return (clock, receive, getNeed, onConnected, onResumed, onLost, postPing) => {
    const entry: RegisteredConnection = { origin, drop: abandonFrame, renew: remountFrame };
    const releaseOwnFrame = ownFrame && claimFrame(ownFrame);
    let state: ConnectionState = { name: "idle" };
    /** Attempts without a handshake since the last one. */
    let failedAttempts = 0;
    /** In `idle` the iframe that has left the document. Undefined in `closed`. */
    let frame: HTMLIFrameElement | undefined;

    /**
     * Makes every transition. Without an iframe in the document `idle` takes the place of each state but `closed`. A link that was
     * open, or leads to another window than the iframe has now, is replaced. The connector is called last: its listeners may close
     * this connection.
     */
    function transition(name: ConnectionState["name"], retryAfterMs = Infinity, reason?: BridgeRejectionError): void {
      const from = state;
      const remote = getWindow();
      if (from.name === "closed") return;
      const wasOpen = from.name === "open";
      from.cancel?.();
      if (wasOpen || from.remote !== remote) {
        // Before the port is closed, so that its end is not taken for the widget's.
        state = { name: "idle" };
        from.close?.();
      }
      if (name === "closed") state = { name };
      else if (remote && name !== "idle") {
        const cancel = clock.schedule(ownFrame ? Infinity : retryAfterMs, handleRetryTimer);
        state = { ...(state.port ? state : openLink(remote)), name, cancel, timeoutMs: Infinity };
      }
      if ((wasOpen && name !== "closed") || reason) onLost(reason);
    }

    /** Opens a port to the iframe's window, and listens to the page. */
    function openLink(remote: Window): Link {
      // When the network or the page is back, a widget may be reachable sooner than the retry timer, or may have gone unnoticed.
      for (const type of RESUME_EVENTS) addEventListener(type, handlePageResume);
      try {
        addEventListener(VIOLATION, learn);
      } catch {
        // Salesforce forbids to listen to this event: the rejection then names every cause.
      }
      const unobserve = frame && observeFramePosition(frame, checkFrame);
      getRegistry().add(entry);
      const port = openPort(
        receive,
        remote,
        [origin],
        () => transition("handshaking", handshakeTimeoutMs),
        () => {
          if (state.name === "open") transition("loading", handshakeTimeoutMs);
        },
      );
      void port.opened.then(() => {
        if (state.port !== port) return;
        forget();
        transition("open");
        failedAttempts = 0;
        onConnected();
      });
      return {
        port,
        remote,
        close() {
          // Not by a signal: zone.js before 0.14.3 takes the listener of the next link for the one that the signal has removed.
          for (const type of RESUME_EVENTS) removeEventListener(type, handlePageResume);
          removeEventListener(VIOLATION, learn);
          unobserve?.();
          getRegistry().delete(entry);
          port.close();
        },
      };
    }

    /** Connects to the iframe. Returns false if it is not in the document. */
    function adoptFrame(): boolean {
      // Half after a failed attempt, so that a request that waits for `handshakeTimeoutMs` sees another attempt.
      transition("loading", failedAttempts ? handshakeTimeoutMs / 2 : handshakeTimeoutMs);
      return !!state.port;
    }

    function handleLoad(event: Event): void {
      if (state.name === "open") return ping(clock, heartbeatMs, postPing, retryLater);
      learn(event);
      if (state.name === "handshaking") transition("handshaking", handshakeTimeoutMs / 2);
      else if (state.port) retryLater();
      else adoptFrame();
    }

    function retryLater(): void {
      const delay = Math.min(handshakeTimeoutMs / 2, retryDelayMs * 2 ** failedAttempts);
      transition("loading", delay * (1 - Math.random() / 2));
    }

    function handleRetryTimer(): void {
      failedAttempts += 1;
      if (getNeed(isHidden())) remountFrame();
      else transition("parked");
      // Last, because it uses `fetch`, which a page may have replaced by a function that throws.
      probe();
    }

    function checkFrame(): void {
      if (!state.port || state.remote === getWindow()) return;
      // First, because it may move the iframe.
      const isPossible = canMount();
      transition("loading", handshakeTimeoutMs, getWindow() ? undefined : frameRemovedError(isPossible));
      findFrame();
    }

    /** Returns false for what only the page can put back: its own iframe, or the container. */
    function canMount(): boolean {
      const container = getContainer();
      return !ownFrame && (!container || isInDocument(container));
    }

    /**
     * In `idle` connects to the iframe if it is back. Otherwise searches later, for a page that watches or observes. The search mounts
     * another iframe if there is a place for it by then.
     */
    function findFrame(isLater?: boolean): void {
      if (state.name !== "idle" || adoptFrame()) return;
      const need = getNeed(false);
      // A request looks for the iframe by itself.
      if (!need || need === "request") return;
      if (isLater && canMount()) return remountFrame();
      const find = callWeakly(findFrameLater);
      if (isHidden()) {
        addEventListener("visibilitychange", find, { once: true });
        state = { name: "idle", cancel: () => removeEventListener("visibilitychange", find) };
      } else state = { name: "idle", cancel: clock.schedule(SEARCH_INTERVAL_MS, find) };
    }

    function findFrameLater(): void {
      findFrame(true);
    }

    function handlePageResume(event: Event): void {
      // The first load of a page sends `pageshow` as well: only a page out of the back/forward cache has been away.
      if (isHidden() || Object(event).persisted === false) return;
      if (state.name === "open") onResumed();
      // A request that was loading when the network failed may hang for ever, and is no failed attempt yet.
      else if ((failedAttempts || event.type === "online") && getNeed(false)) remountFrame();
    }

    function abandonFrame(): void {
      const message = "The page's own frame hangs: only the page can load it anew";
      if (ownFrame) transition("loading", Infinity, new BridgeRejectionError("WIDGET_UNAVAILABLE", message));
      else removeFrame("idle");
    }

    /** Mounts a new iframe in place of the last one, unless the page has put the last one back. */
    function remountFrame(): void {
      if (state.name === "closed" || (state.port ? ownFrame : adoptFrame())) return;
      removeFrame("idle");
      frame = ownFrame ?? mount();
      frame?.addEventListener("load", handleLoad);
      // In a task of its own, because the page may send a request for each rejection.
      if (!adoptFrame()) {
        clock.schedule(0, () => {
          if (state.name === "idle" && !adoptFrame()) {
            onLost(frameRemovedError(false));
            findFrame();
          }
        });
      }
    }

    /** Releases the iframe, and removes one that this connection has mounted. */
    function removeFrame(next: "idle" | "closed"): void {
      frame?.removeEventListener("load", handleLoad);
      // Not `remove`: Prototype.js replaces it by a function that throws for an iframe that the page has removed.
      if (!ownFrame) frame?.parentNode?.removeChild(frame);
      frame = undefined;
      transition(next);
    }

    /**
     * The iframe's window, if the iframe is in the page's document. In a different document the widget would talk
     * to a different window.
     */
    function getWindow(): Window | null {
      return frame && isInDocument(frame) ? frame.contentWindow : null;
    }

    function post(event: unknown): Promise<unknown> {
      if (state.name !== "open") return Promise.resolve();
      runHeartbeat(state);
      return state.port.post(event);
    }

    /** Sends a ping if the widget must reply by now. Otherwise schedules a heartbeat, unless one is due as soon. */
    function runHeartbeat(open: LinkedState, elapsedMs = 0): void {
      const need = getNeed(isHidden());
      const delay =
        need === "request" ? heartbeatMs : need === "watch" ? Math.max(WATCH_HEARTBEAT_MS, heartbeatMs) : Infinity;
      // Posting the ping schedules the next heartbeat. After the last request that comes with the longer delay, without a ping.
      if (elapsedMs >= delay) return ping(clock, delay, postPing, () => remountAll(origin));
      if (delay >= open.timeoutMs) return;
      open.cancel();
      open.timeoutMs = delay;
      open.cancel = clock.schedule(delay, () => {
        open.timeoutMs = Infinity;
        runHeartbeat(open, delay);
      });
    }

    remountFrame();
    return {
      post,
      checkFrame,
      connect() {
        if (state.name === "idle" || state.name === "parked") remountFrame();
      },
      close() {
        removeFrame("closed");
        releaseOwnFrame?.();
      },
    };
  };
}

/**
 * Returns a function that calls `callback` unless the page has dropped it: a page that has removed its iframe may forget its connector.
 * On a page that has replaced `WeakRef` the connector stays.
 */
function callWeakly(callback: () => void): () => void {
  try {
    const reference = new WeakRef(callback);
    if (reference.deref() === callback) return () => reference.deref()?.();
  } catch {}
  return callback;
}

function frameRemovedError(canRetry: boolean): BridgeRejectionError {
  return new BridgeRejectionError("CONNECTION_CLOSED", "The frame is not in the document", undefined, canRetry);
}
