import type { Message, MessageHandler, Messenger } from "penpal";

/** The window at the other end, reduced to the members that a messenger uses. */
export interface RemoteWindow {
  postMessage(message: unknown, targetOrigin: string, transfer?: MessagePort[]): void;
  readonly location: { readonly href: string };
}

export interface WindowMessengerOptions {
  /** The window at the other end. `null` receives nothing. */
  readonly remote: RemoteWindow | null;
  /** The exact origins that the other window may have. At least one. */
  readonly allowedOrigins: readonly string[];
  /**
   * Called when a handshake begins: with the SYN of a new document, with that of a new connection of the same document, or
   * over an open port, which the other side has then closed. A message posted over that port is lost.
   */
  readonly onHandshake: (origin: string) => void;
  /** Called once, when either side has closed the connection. */
  readonly onClosed: () => void;
}

/** The messages that cross as window messages. Every other message crosses over the port. */
const HANDSHAKE = ["SYN", "ACK1", "ACK2"];

/**
 * Creates penpal's way to another window, the same for the page and for the widget.
 *
 * 1. A window message counts only if it comes from the given window, from one of the allowed origins, and belongs to the
 *    handshake. Origins are compared as whole strings.
 * 2. Every message is posted to an exact origin as soon as one is known: from the start if the list has one origin, else
 *    from the first message that counts. Only a SYN can precede that message; a SYN carries a random id and no data.
 * 3. After the handshake all messages cross over a private `MessagePort`, which the side that sends ACK2 creates.
 * 4. A new participant id in a SYN means a new document or a new connection of the same one. An ACK over an open port means
 *    that the other side has given up that port. In both cases the messenger closes its port and calls `onHandshake`.
 *
 * penpal's own `WindowMessenger` posts its SYN to `"*"`. Here its support of older protocols is left out, and so are
 * transferables, because an event is JSON.
 */
export function createWindowMessenger(options: WindowMessengerOptions): Messenger {
  const { remote, allowedOrigins, onHandshake, onClosed } = options;
  const handlers = new Set<MessageHandler>();
  let isMessage: (data: unknown) => data is Message;
  let targetOrigin = allowedOrigins.length === 1 ? allowedOrigins[0] : undefined;
  let remoteId: string | undefined;
  let port: MessagePort | undefined;

  function dispatchMessage({ data }: MessageEvent): void {
    if (isMessage(data)) for (const handle of handlers) handle(data);
  }

  function replacePort(next: MessagePort | undefined): void {
    if (port) {
      // Firefox still delivers messages after `close()`: a late DESTROY of the last connection would end this one.
      port.onmessage = null;
      port.close();
    }
    port = next;
    if (port) port.onmessage = dispatchMessage;
  }

  function handleWindowMessage(event: MessageEvent): void {
    const { source, origin, data, ports } = event;
    if (source !== remote || !allowedOrigins.includes(origin)) return;
    if (!isMessage(data) || !HANDSHAKE.includes(data.type)) return;
    const nextPort = data.type === "ACK2" ? ports[0] : undefined;
    if (data.type === "ACK2" && !nextPort) return;
    const isNewHandshake = data.type === "SYN" ? data.participantId !== remoteId : !!port;
    targetOrigin = origin;
    if (data.type === "SYN") remoteId = data.participantId;
    if (isNewHandshake || nextPort) replacePort(nextPort);
    if (isNewHandshake) onHandshake(origin);
    dispatchMessage(event);
  }

  function postToWindow(message: unknown, transfer?: MessagePort[]): void {
    // A blank frame has another origin, and the browser would log the mismatch. The document loaded there later sends a SYN.
    if (!isBlank(remote)) remote?.postMessage(message, targetOrigin ?? "*", transfer);
  }

  return {
    initialize({ validateReceivedMessage }) {
      isMessage = validateReceivedMessage;
      addEventListener("message", handleWindowMessage);
    },
    sendMessage(message) {
      if (message.type === "ACK2") {
        const { port1, port2 } = new MessageChannel();
        replacePort(port1);
        postToWindow(message, [port2]);
      } else if (HANDSHAKE.includes(message.type)) postToWindow(message);
      else if (port) port.postMessage(message);
      // The caller's promise has to reject. A reply to a document that has gone has no receiver left.
      else if (message.type === "CALL") throw new Error("not connected");
    },
    addMessageHandler: (handler) => handlers.add(handler),
    removeMessageHandler: (handler) => handlers.delete(handler),
    destroy() {
      removeEventListener("message", handleWindowMessage);
      replacePort(undefined);
      handlers.clear();
      onClosed();
    },
  };
}

function isBlank(remote: RemoteWindow | null): boolean {
  try {
    return remote?.location.href === "about:blank";
  } catch {
    // The address of another origin's document cannot be read, so there is a document.
    return false;
  }
}
