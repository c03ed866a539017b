/**
 * The way to the widget through whatever becomes of its frame: a reload, a move, a removal, a page that is no widget,
 * a process that hangs.
 */

import type { RejectionCode } from "../../shared/protocol/rejection.ts";
import type { AlarmClock } from "../../shared/runtime/alarm-clock.ts";
import type { Durations } from "../request/durations.ts";
import { probe } from "./heartbeat.ts";
import { joinPage, type Neighbour, renewAll } from "./neighbours.ts";
import { watchPlace } from "./place.ts";
import { openWidgetPort, type WidgetPort } from "./widget-port.ts";

export interface LinkOptions {
  /** The widget's origin, exactly. */
  readonly origin: string;
  /** An iframe of the page's own, which is never removed and never navigated. */
  readonly ownFrame: HTMLIFrameElement | undefined;
  /** Puts a new frame into the page; `undefined` where its container has left the document. */
  readonly mount: () => HTMLIFrameElement | undefined;
  readonly durations: Durations;
}

/** What the link needs of whoever sends requests over it. */
export interface LinkUser {
  readonly clock: AlarmClock;
  /** Answers what the widget posts. */
  readonly receive: (event: unknown) => unknown;
  /** Whether a request, or `ready`, waits for the widget. Where nothing does, no widget is sought, and none is watched. */
  readonly isWanted: () => boolean;
  /** A widget has connected. */
  readonly onOpened: () => void;
  /** The page or its reader is back, or the network, and the widget that is connected may have gone meanwhile. */
  readonly onSeen: () => void;
  /** The widget has gone. A fate is that of every request in flight; without one, requests may go on. */
  readonly onLost: (fate?: Fate) => void;
}

/** What becomes of a request: a rejection's code and message. */
export type Fate = readonly [code: RejectionCode, message: string];

export interface Link {
  /** Posts an event to the connected widget. The promise may never settle. */
  post(event: unknown): Promise<unknown>;
  /** Finds out about a frame that was removed or moved just now, before the browser tells. For a link that is open. */
  look(): void;
  /** Looks for a widget in a new frame, where the last one has gone or has had its chance. */
  seek(): void;
  close(): void;
}

const REMOVED: Fate = ["CONNECTION_CLOSED", "The frame was removed"];

/** Opens a link: mounts the frame, or adopts the page's own, and connects to the widget in it. */
export function openLink({ origin, ownFrame, mount, durations }: LinkOptions, user: LinkUser): Link {
  const { clock, isWanted, onLost } = user;
  const { handshakeTimeoutMs, retryDelayMs, heartbeatMs } = durations;
  const neighbours = joinPage();
  const self: Neighbour = { origin, drop, renew };
  let frame: HTMLIFrameElement | undefined;
  /** The window that the port leads to: a frame that is moved gets another one. */
  let remote: Window | null = null;
  let port: WidgetPort | undefined;
  let isOpen = false;
  /** Whether a widget has greeted since the port was opened. */
  let isGreeted = false;
  let isBeating = false;
  /** Cancels the end of the frame's chance, while it has one. */
  let cancelChance: (() => void) | undefined;
  let failures = 0;
  /** Ends what the link hears of the page and of the frame. */
  let stay: AbortController | undefined;

  function post(event: unknown): Promise<unknown> {
    if (!isBeating) beat();
    return port?.post(event) ?? new Promise(() => {});
  }

  function ask(): Promise<unknown> {
    return post({ type: "BUS.PING" });
  }

  function beat(): void {
    const wasBeating = isBeating;
    isBeating = isOpen && isWanted();
    if (!isBeating) return;
    if (wasBeating) probe(clock, heartbeatMs, ask, () => renewAll(origin));
    clock.ringIn(heartbeatMs, beat);
  }

  /** Opens a port to the window that the frame has now. */
  function connect(): void {
    remote = frame?.contentWindow ?? null;
    isGreeted = false;
    port = openWidgetPort(remote, origin, { receive: user.receive, onGreeted, onOpened, onEnded: () => reconnect() });
  }

  function onOpened(): void {
    isOpen = true;
    failures = 0;
    endChance();
    user.onOpened();
  }

  function disconnect(): void {
    const closing = port;
    port = undefined;
    isOpen = false;
    closing?.close();
  }

  /** The widget has gone, and the next one may come in the same frame. */
  function reconnect(fate?: Fate): void {
    disconnect();
    onLost(fate);
    // Whoever hears of the loss may have closed the link.
    if (!frame) return;
    connect();
    giveChance(handshakeTimeoutMs);
  }

  function onGreeted(): void {
    if (isOpen) reconnect();
    // Whoever greets late, on a busy page, is a widget all the same: it gets the time that a handshake may take.
    else giveChance(handshakeTimeoutMs);
    isGreeted = true;
  }

  /** A document has been loaded: the widget that is connected, or one that has yet to greet, or none at all. */
  function onLoad(): void {
    if (isOpen) {
      probe(clock, heartbeatMs, ask, () => {
        reconnect();
        backOff();
      });
    } else if (!isGreeted) backOff();
  }

  /** Half the wait is left to chance, so that the pages of a widget that was down do not come back all at once. */
  function backOff(): void {
    giveChance(Math.min(handshakeTimeoutMs / 2, retryDelayMs * 2 ** failures) * (1 - Math.random() / 2));
  }

  /** Past this time without a widget, a new frame is mounted where one is wanted. */
  function giveChance(milliseconds: number): void {
    endChance();
    // Whoever heard of a loss may have closed the link: an alarm would outlive it.
    if (ownFrame || !frame) return;
    cancelChance = clock.ringIn(milliseconds, () => {
      endChance();
      failures += 1;
      if (isWanted()) renew();
    });
  }

  function endChance(): void {
    cancelChance?.();
    cancelChance = undefined;
  }

  function checkPlace(): void {
    const present = frame?.contentWindow;
    if (!present) {
      leave();
      onLost(REMOVED);
    } else if (present !== remote) reconnect();
  }

  function onReturn({ type }: Event): void {
    if (document.hidden) return;
    if (isOpen) user.onSeen();
    // What was being loaded when the network went may hang for ever, and not count as a failure yet.
    else if ((failures || type === "online") && isWanted()) renew();
  }

  /** Lets go of the frame, and of everything that would keep this link alive in a page that has forgotten it. */
  function leave(): void {
    disconnect();
    endChance();
    stay?.abort();
    neighbours.delete(self);
    if (!ownFrame) frame?.remove();
    frame = undefined;
  }

  function drop(): void {
    if (ownFrame) reconnect(["WIDGET_UNAVAILABLE", "The page's own frame hangs: only the page can load it anew"]);
    else {
      leave();
      onLost();
    }
  }

  function renew(): void {
    if (ownFrame && frame) return;
    leave();
    frame = ownFrame ?? mount();
    if (!frame?.contentWindow) {
      onLost(REMOVED);
      return;
    }
    stay = new AbortController();
    const { signal } = stay;
    frame.addEventListener("load", onLoad, { signal });
    // The network is back, the page is, or its reader is: a widget may be there sooner than expected, or may have gone unnoticed.
    for (const type of ["online", "pageshow", "visibilitychange"]) addEventListener(type, onReturn, { signal });
    watchPlace(frame, signal, checkPlace);
    neighbours.add(self);
    connect();
    // Where the last address has hung, a request that comes just now must outlive this try by one more.
    giveChance(failures ? handshakeTimeoutMs / 2 : handshakeTimeoutMs);
  }

  renew();
  return {
    post,
    look: checkPlace,
    seek() {
      if (!isOpen && !cancelChance) renew();
    },
    close: leave,
  };
}
