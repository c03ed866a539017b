/**
 * The way to the widget through whatever becomes of its frame: a reload, a move, a removal, a page that is no widget,
 * a process that hangs.
 */
import type { Alarm, AlarmClock } from "../shared/alarm-clock.ts";
import { openPort, type Port } from "../shared/penpal-port.ts";
import { createWindowMessenger } from "../shared/window-messenger.ts";
import { createHeartbeat } from "./heartbeat.ts";
import { joinNeighbours, leaveNeighbours, renewAll } from "./neighbours.ts";
import { watchPlace } from "./place.ts";

/** The longest wait before another try, in milliseconds. */
const MAX_RETRY_DELAY_MS = 30_000;

export interface LinkOptions {
  /** The widget's origin, exactly. */
  readonly origin: string;
  /** An iframe of the page's own, which is never removed and never navigated. */
  readonly ownFrame: HTMLIFrameElement | undefined;
  /** Puts a new frame into the page; `undefined` where its container has left the document. */
  readonly mount: () => HTMLIFrameElement | undefined;
  readonly handshakeTimeoutMs: number;
  readonly retryDelayMs: number;
  readonly heartbeatMs: number;
}

/** What the link needs of whoever sends requests over it. */
export interface LinkUser {
  readonly clock: AlarmClock;
  /** Answers what the widget posts. */
  readonly receive: (event: unknown) => unknown;
  /** Whether a request, or somebody who awaits `ready`, waits for the widget. Where nobody does, none is sought. */
  readonly isWaiting: () => boolean;
  /** Whether requests are in flight. */
  readonly isBusy: () => boolean;
  /** A widget has connected. */
  readonly onOpened: () => void;
  /** The widget has gone. `fate` says what becomes of the requests in flight: a code and a message settle all of them. */
  readonly onLost: (fate?: LossOfAll) => void;
}

/** Why no request in flight can go on, as a rejection's code and message. */
export type LossOfAll = readonly [code: "CONNECTION_CLOSED" | "WIDGET_UNAVAILABLE", message: string];

export interface Link {
  /** Posts an event to the connected widget. The promise may never settle. */
  post(event: unknown): Promise<unknown>;
  /** Looks for a widget where there is none: in a new frame where the last one has gone or has given up. */
  seek(): void;
  close(): void;
}

const REMOVED: LossOfAll = ["CONNECTION_CLOSED", "The widget's frame is not in the page any more"];
const HUNG: LossOfAll = [
  "WIDGET_UNAVAILABLE",
  "The widget in the page's own frame hangs, and only the page may load it anew",
];

/** What may end the wait for a widget early: the network is back, the page is, or its reader is. */
const RETURNS = ["online", "pageshow", "visibilitychange"];

/** Opens a link: mounts the frame, or adopts the page's own, and connects to the widget in it. */
export function openLink(options: LinkOptions, user: LinkUser): Link {
  const { origin, ownFrame, mount, handshakeTimeoutMs, retryDelayMs, heartbeatMs } = options;
  const { clock, receive, isWaiting, isBusy, onOpened, onLost } = user;
  let frame: HTMLIFrameElement | undefined;
  /** The window that the port leads to: a frame that is moved gets another one. */
  let remote: Window | null = null;
  let port: Port | undefined;
  let isOpen = false;
  /** Whether a widget has greeted since the port was opened. */
  let isGreeted = false;
  /** Until it rings, the frame has its chance. */
  let chance: Alarm | undefined;
  let failures = 0;
  let stopWatching = (): void => {};
  const neighbour = { origin, drop, renew };
  const heartbeat = createHeartbeat({
    clock,
    intervalMs: heartbeatMs,
    isNeeded: () => isOpen && isBusy(),
    ask: () => post({ type: "BUS.PING" }),
    onDead: () => renewAll(origin),
  });

  async function post(event: unknown): Promise<unknown> {
    heartbeat.start();
    return port?.post(event);
  }

  /** Opens a port to the window that the frame has now. */
  function connect(): void {
    remote = frame?.contentWindow ?? null;
    isGreeted = false;
    const opening = openPort(createWindowMessenger(remote, [origin], { onGreeted, onEnded }), receive);
    port = opening;
    // A greeting that cannot be posted is no loss: the frame's chance passes, and the next one is tried.
    opening.opened.then(() => opening === port && open(), onEnded);

    function onEnded(): void {
      if (opening === port && isOpen) reconnect();
    }
  }

  function open(): void {
    isOpen = true;
    failures = 0;
    chance?.cancel();
    chance = undefined;
    onOpened();
  }

  function disconnect(): void {
    const closing = port;
    port = undefined;
    isOpen = false;
    closing?.close();
  }

  /** The widget has gone, and the next one may come in the same frame. */
  function reconnect(fate?: LossOfAll): void {
    disconnect();
    onLost(fate);
    // Whoever hears of the loss may have closed the link.
    if (!frame) return;
    connect();
    giveChance(handshakeTimeoutMs);
  }

  function onGreeted(): void {
    if (isOpen) reconnect();
    isGreeted = true;
  }

  /** A document has been loaded: the widget that is connected, or one that has yet to greet, or none at all. */
  function onLoad(): void {
    const delayMs = Math.min(MAX_RETRY_DELAY_MS, retryDelayMs * 2 ** failures) * (1 - Math.random() / 2);
    if (isOpen) {
      heartbeat.probe(retryDelayMs, () => {
        reconnect();
        giveChance(delayMs);
      });
    } else if (!isGreeted) giveChance(delayMs);
  }

  /** Past this time without a widget, a new frame is mounted, if anybody still waits for one. */
  function giveChance(milliseconds: number): void {
    chance?.cancel();
    if (ownFrame) return;
    chance = clock.ringIn(milliseconds, () => {
      chance = undefined;
      failures += 1;
      if (isWaiting()) renew();
    });
  }

  function checkPlace(): void {
    const present = frame?.contentWindow;
    if (present && present !== remote) reconnect();
    if (present) return;
    leave();
    onLost(REMOVED);
  }

  function onReturn(): void {
    if (failures > 0 && !isOpen && !document.hidden && isWaiting()) renew();
  }

  /** Settles into a frame. */
  function enter(next: HTMLIFrameElement): void {
    frame = next;
    frame.addEventListener("load", onLoad);
    for (const type of RETURNS) addEventListener(type, onReturn);
    joinNeighbours(neighbour);
    stopWatching = watchPlace(frame, checkPlace);
    connect();
    giveChance(handshakeTimeoutMs);
  }

  /** Lets go of the frame, and of everything that would keep this link alive in a page that has forgotten it. */
  function leave(): void {
    disconnect();
    chance?.cancel();
    chance = undefined;
    stopWatching();
    leaveNeighbours(neighbour);
    for (const type of RETURNS) removeEventListener(type, onReturn);
    frame?.removeEventListener("load", onLoad);
    if (!ownFrame) frame?.remove();
    frame = undefined;
  }

  function drop(): void {
    if (ownFrame) reconnect(HUNG);
    else {
      leave();
      onLost();
    }
  }

  function renew(): void {
    if (ownFrame && frame) return;
    leave();
    const next = ownFrame ?? mount();
    if (next?.contentWindow) enter(next);
    else onLost(REMOVED);
  }

  renew();
  return {
    post,
    seek() {
      if (!isOpen && !chance) renew();
    },
    close: leave,
  };
}
