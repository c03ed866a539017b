/** A connection without an iframe: page and widget are in one document, and a test connects and disconnects the two. */
import type { OpenConnection } from "../host/connection/frame-connection.ts";
import type { BridgeRejectionError } from "../shared/protocol/rejection.ts";

/** One document of the widget. */
export interface MemoryWidget {
  /** Handles an event of the page, and resolves with its settlement. */
  receive(event: unknown): unknown;
  /** Ends the document. No message crosses afterwards. */
  close(): void;
}

/** Creates a document of the widget. `post` posts an event to the page and resolves with the page's answer. */
export type OpenWidget = (post: (event: unknown) => Promise<unknown>) => MemoryWidget;

export interface MemoryConnection {
  readonly open: OpenConnection;
  /** Connects the page to a new document of the widget. A connected document ends before. */
  connect(): void;
  /** Ends the document of the widget. With a reason, all in-flight requests are rejected with the reason. */
  disconnect(reason?: BridgeRejectionError): void;
}

/** The connected document, and the calls without an answer. */
interface Link {
  readonly widget: MemoryWidget;
  readonly rejecters: Set<(error: Error) => void>;
}

/** Creates a connection without a document, for one connector. */
export function createMemoryConnection(openWidget: OpenWidget): MemoryConnection {
  let link: Link | undefined;
  let isClosed = false;
  let receive: Parameters<OpenConnection>[1] = () => undefined;
  let onConnected = (): void => {};
  let onLost: Parameters<OpenConnection>[5] = () => {};

  /**
   * Carries a message over and the answer back, each as a copy and in a later microtask. Rejects if the document ends before, but in a
   * later microtask, as penpal does.
   */
  function carry(current: Link, message: unknown, deliver: (message: unknown) => unknown): Promise<unknown> {
    const copy = copyMessage(message);
    return new Promise((resolve, reject) => {
      current.rejecters.add(reject);
      void Promise.resolve().then(async () => {
        if (current !== link) return;
        const answer = copyMessage(await deliver(copy));
        if (current.rejecters.delete(reject)) resolve(answer);
      });
    });
  }

  function endLink(): void {
    const ended = link;
    if (!ended) return;
    link = undefined;
    ended.widget.close();
    void Promise.resolve().then(() => {
      for (const reject of ended.rejecters) reject(new Error("connection destroyed"));
      ended.rejecters.clear();
    });
  }

  function disconnect(reason?: BridgeRejectionError): void {
    if (isClosed) return;
    endLink();
    onLost(reason);
  }

  return {
    open(_clock, ...callbacks) {
      [receive, , onConnected, , onLost] = callbacks;
      return {
        post: (event) => (link ? carry(link, event, link.widget.receive) : Promise.resolve()),
        checkFrame() {},
        connect() {},
        close() {
          isClosed = true;
          endLink();
        },
      };
    },
    connect() {
      if (link) disconnect();
      // A listener of the loss may have destroyed the connector.
      if (isClosed) return;
      const opened: Link = {
        rejecters: new Set(),
        widget: openWidget((event) =>
          opened === link ? carry(opened, event, receive) : Promise.reject(new Error("not connected")),
        ),
      };
      link = opened;
      onConnected();
    },
    disconnect,
  };
}

/** Copies a message, so that page and widget share no object. Messages are JSON with `undefined`. */
function copyMessage(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(copyMessage);
  if (typeof message !== "object" || message === null) return message;
  return Object.fromEntries(Object.entries(message).map(([key, value]) => [key, copyMessage(value)]));
}
