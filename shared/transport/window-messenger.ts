import type { Message, MessageHandler, Messenger } from "penpal";

/** The window at the other end, reduced to the members that a messenger uses. */
export interface RemoteWindow {
  postMessage(message: unknown, targetOrigin: string, transfer?: MessagePort[]): void;
  readonly location: { readonly href: string };
}

/** The messages that cross as window messages. Every other message crosses over the port. */
const HANDSHAKE = ["SYN", "ACK1", "ACK2"];

/**
 * Creates penpal's way to another window, the same for the page and for the widget.
 *
 * 1. A window message counts only if it comes from the given window, from one of the allowed allowedOrigins, and belongs to the
 *    handshake. Origins are compared as whole strings.
 * 2. Every message is posted to an exact origin as soon as one is known: from the start if the list has one origin, else
 *    from the first message that counts. Only a SYN can precede that message; a SYN carries a random id and no data.
 * 3. After the handshake all messages cross over a private `MessagePort`, which the side that sends ACK2 creates.
 * 4. Errors cross without their stack.
 * 5. A new participant id in a SYN means a new document or a new connection of the same one. An ACK over an open port means
 *    that the other side has given up that port. In both cases the messenger closes its port and calls `onHandshake`.
 *
 * penpal's own `WindowMessenger` posts its SYN to `"*"`. Here its support of older protocols is left out, and so are
 * transferables, because an event is JSON.
 *
 * @param remote The window at the other end. `null` receives nothing.
 * @param allowedOrigins The exact origins that the other window may have. At least one.
 * @param onHandshake Called when a handshake begins: with the SYN of a new document, with that of a new connection of the same
 *   document, or over an open port, which the other side has then closed. A message posted over that port is lost.
 * @param onClosed Called once, when either side has closed the connection.
 */
export function createWindowMessenger(
  remote: RemoteWindow | null,
  allowedOrigins: readonly string[],
  onHandshake: (origin: string) => void,
  onClosed: () => void,
): Messenger {
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
      port.removeEventListener("message", dispatchMessage);
      port.close();
    }
    port = next;
    // Not `onmessage`, which zone.js leaves alone: Angular would not notice what a message has changed.
    port?.addEventListener("message", dispatchMessage);
    port?.start();
  }

  function handleWindowMessage(event: MessageEvent): void {
    const { origin, data } = event;
    if (event.source !== remote || !allowedOrigins.includes(origin)) return;
    if (!isMessage(data) || !HANDSHAKE.includes(data.type)) return;
    let isNewHandshake = !!port;
    let nextPort: MessagePort | undefined;
    if (data.type === "SYN") {
      isNewHandshake = data.participantId !== remoteId;
      remoteId = data.participantId;
    } else if (data.type === "ACK2") {
      nextPort = event.ports[0];
      if (!nextPort) return;
    }
    targetOrigin = origin;
    if (isNewHandshake || nextPort) replacePort(nextPort);
    if (isNewHandshake) onHandshake(origin);
    dispatchMessage(event);
  }

  function postToWindow(message: unknown, transfer?: MessagePort[]): void {
    // A blank frame has another origin, and the browser would log the mismatch. The document loaded there later sends a SYN.
    try {
      if (remote?.location.href === "about:blank") return;
    } catch {
      // The address of another origin's document cannot be read, so there is a document.
    }
    remote?.postMessage(message, targetOrigin ?? "*", transfer);
  }

  return {
    initialize({ validateReceivedMessage }) {
      isMessage = validateReceivedMessage;
      addEventListener("message", handleWindowMessage);
    },
    sendMessage(message) {
      if (message.type === "ACK2") {
        const channel = new MessageChannel();
        replacePort(channel.port1);
        postToWindow(message, [channel.port2]);
      } else if (HANDSHAKE.includes(message.type)) postToWindow(message);
      else if (port) {
        // penpal sends an error with its stack, even its own METHOD_NOT_FOUND; one side must not read the stack of the other. It
        // has copied the error into this object, so the error of the caller keeps its stack.
        if (message.type === "REPLY" && message.isSerializedErrorInstance) delete message.value.stack;
        port.postMessage(message);
      }
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
