/**
 * Ports in memory between the page and the widget's document: penpal's handshake and calls, as in `shared/transport`.
 * Messages of a direction arrive in order.
 */
import type { Port } from "../../shared/transport/penpal-port.ts";

/** Delivers a message after the latency. */
export type Deliver = (arrive: () => void) => void;

/** Window of an iframe. The window survives a reload of the document. */
export interface FrameWindow {
  /** The page's port to the window. */
  pagePort: PageEnd | undefined;
  /** The port of the document. */
  widgetPort: WidgetEnd | undefined;
  readonly toPage: Deliver;
  readonly toWidget: Deliver;
}

type Receive = (event: unknown) => unknown;

/** The widget's origin. */
export const WIDGET_ORIGIN = "https://widget.example.com";

/** Callbacks of a port, as in `createWindowMessenger`. */
interface PortCallbacks {
  readonly onHandshake: (origin: string) => void;
  readonly onClosed: () => void;
}

/** End of the page. */
interface PageEnd {
  readonly callbacks: PortCallbacks;
  readonly receive: Receive;
  readonly open: () => void;
  readonly closeByRemote: () => void;
  isClosed: boolean;
  isLinked: boolean;
  peer: WidgetEnd | undefined;
}

/** The end of the widget's document. */
export interface WidgetEnd {
  post(event: unknown): Promise<unknown>;
  /** Closes the connection for the widget and notifies the page. */
  close(): void;
  /** Drops all further messages without a notification, as after a crash. */
  cut(): void;
  readonly receive: Receive;
  readonly onHandshake: () => void;
  readonly onClosed: () => void;
  isCut: boolean;
  isLinked: boolean;
  peer: PageEnd | undefined;
  readonly rejectAll: () => void;
}

/** Calls without a reply. */
function createCalls() {
  const rejecters = new Set<(error: Error) => void>();
  return {
    start(send: (resolve: (reply: unknown) => void) => void): Promise<unknown> {
      return new Promise((resolve, reject) => {
        rejecters.add(reject);
        send((reply) => {
          if (rejecters.delete(reject)) resolve(reply);
        });
      });
    },
    rejectAll(): void {
      for (const reject of rejecters) reject(new Error("connection destroyed"));
      rejecters.clear();
    },
  };
}

/** Opens the page's port to the window of an iframe. Without a window the port stays closed. */
export function openPagePort(window: FrameWindow | undefined, callbacks: PortCallbacks, receive: Receive): Port {
  const calls = createCalls();
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const end: PageEnd = {
    callbacks,
    receive,
    open,
    isClosed: false,
    isLinked: false,
    peer: undefined,
    closeByRemote() {
      if (end.isClosed) return;
      end.isClosed = true;
      queueMicrotask(calls.rejectAll);
      callbacks.onClosed();
    },
  };
  if (window) {
    window.pagePort = end;
    window.toWidget(() => receiveSynOfPage(window, end));
  }
  return {
    opened,
    post(event) {
      const peer = end.peer;
      if (!window || !peer || !end.isLinked || end.isClosed) return Promise.reject(new Error("not connected"));
      const message = structuredClone(event);
      return calls.start((resolve) => {
        window.toWidget(() => {
          if (peer.isCut || peer.peer !== end) return;
          void Promise.resolve(peer.receive(message)).then((reply) => {
            const answer = structuredClone(reply);
            if (!peer.isCut) window.toPage(() => resolve(answer));
          });
        });
      });
    },
    close() {
      const peer = end.peer;
      if (end.isClosed) return;
      window?.toWidget(() => {
        if (peer && !peer.isCut && peer.peer === end) {
          peer.rejectAll();
          peer.peer = undefined;
          peer.isLinked = false;
          peer.onClosed();
        }
      });
      end.closeByRemote();
    },
  };
}

/** Opens the port of the widget's document to the page. */
export function openWidgetPort(
  window: FrameWindow,
  callbacks: { readonly onHandshake: () => void; readonly onClosed: () => void },
  receive: Receive,
): WidgetEnd {
  const calls = createCalls();
  const end: WidgetEnd = {
    ...callbacks,
    receive,
    isCut: false,
    isLinked: false,
    peer: undefined,
    rejectAll: calls.rejectAll,
    post(event) {
      const { peer } = end;
      if (!peer || !end.isLinked || end.isCut) return Promise.reject(new Error("not connected"));
      const message = structuredClone(event);
      return calls.start((resolve) => {
        window.toPage(() => {
          if (end.isCut || peer.isClosed || peer.peer !== end) return;
          void Promise.resolve(peer.receive(message)).then((reply) => {
            const answer = structuredClone(reply);
            if (!end.isCut) window.toWidget(() => resolve(answer));
          });
        });
      });
    },
    close() {
      const { peer } = end;
      calls.rejectAll();
      end.cut();
      window.toPage(() => {
        if (peer?.peer === end) peer.closeByRemote();
      });
      callbacks.onClosed();
    },
    cut() {
      end.isCut = true;
    },
  };
  window.widgetPort = end;
  window.toPage(() => receiveSynOfWidget(window, end));
  return end;
}

function receiveSynOfPage(window: FrameWindow, pageEnd: PageEnd): void {
  const end = window.widgetPort;
  if (!end || end.isCut || pageEnd.isClosed) return;
  if (end.peer !== pageEnd) {
    end.rejectAll();
    end.isLinked = false;
    end.peer = pageEnd;
    end.onHandshake();
  }
  if (!end.isCut) window.toPage(() => receiveSynOfWidget(window, end));
}

function receiveSynOfWidget(window: FrameWindow, end: WidgetEnd): void {
  const page = window.pagePort;
  if (!page || page.isClosed || end.isCut) return;
  if (page.peer !== end) {
    page.peer = end;
    page.callbacks.onHandshake(WIDGET_ORIGIN);
  }
  if (page.isClosed || page.isLinked) return;
  if (end.peer === page) {
    page.isLinked = true;
    window.toWidget(() => {
      if (end.peer === page) end.isLinked = true;
    });
    page.open();
  } else window.toWidget(() => receiveSynOfPage(window, page));
}
