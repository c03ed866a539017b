import type { Message, MessageHandler, Messenger } from "penpal";

/** The window on the other side, as far as a messenger needs it. */
export interface RemoteWindow {
  postMessage(message: unknown, targetOrigin: string, transfer?: MessagePort[]): void;
  readonly location: { readonly href: string };
}

/**
 * Penpal's way to another window. Only messages from that window and from one of these exact origins count.
 *
 * Unlike penpal's own messenger, which greets to `"*"`, it posts every message to an exact origin as soon as it knows
 * which one: from the start where there is one origin, else from the first message that counts. A greeting says nothing
 * but that penpal is here. What penpal carries along for older versions of itself is left out, and so are transferables:
 * an event is JSON.
 *
 * `onGreeted` hears that a document in the other window greets for the first time: one that has just been loaded, or
 * that connects anew. `onEnded` hears that the connection has ended, by either side.
 */
export function createWindowMessenger(
  remote: RemoteWindow | null,
  allowedOrigins: readonly string[],
  onGreeted: (origin: string) => void,
  onEnded: () => void,
): Messenger {
  const handlers = new Set<MessageHandler>();
  let isMessage: (data: unknown) => data is Message;
  let target = allowedOrigins.length === 1 ? allowedOrigins[0] : undefined;
  let participant: string | undefined;
  let port: MessagePort | undefined;

  function deliver({ data }: MessageEvent): void {
    if (isMessage(data)) for (const handle of handlers) handle(data);
  }

  function takePort(next: MessagePort | undefined): void {
    port?.close();
    port = next;
    if (port) port.onmessage = deliver;
  }

  function receive(event: MessageEvent): void {
    const { source, origin, data, ports } = event;
    if (source !== remote || !allowedOrigins.includes(origin) || !isMessage(data)) return;
    target = origin;
    if (data.type === "SYN" && data.participantId !== participant) {
      participant = data.participantId;
      // A window that has just been loaded will use a port of its own.
      takePort(undefined);
      onGreeted(origin);
    }
    if (data.type === "ACK2") takePort(ports[0]);
    deliver(event);
  }

  function post(message: unknown, transfer?: MessagePort[]): void {
    // A blank frame has another origin, and the browser would log the mismatch: who is loaded there later greets first.
    if (!isBlank(remote)) remote?.postMessage(message, target ?? "*", transfer);
  }

  return {
    initialize({ validateReceivedMessage }) {
      isMessage = validateReceivedMessage;
      addEventListener("message", receive);
    },
    sendMessage(message) {
      if (message.type === "ACK2") {
        const { port1, port2 } = new MessageChannel();
        takePort(port1);
        post(message, [port2]);
      } else if (message.type === "SYN" || message.type === "ACK1") post(message);
      else if (port) port.postMessage(message);
      else throw new Error("not connected");
    },
    addMessageHandler: (handler) => handlers.add(handler),
    removeMessageHandler: (handler) => handlers.delete(handler),
    destroy() {
      removeEventListener("message", receive);
      takePort(undefined);
      handlers.clear();
      onEnded();
    },
  };
}

function isBlank(remote: RemoteWindow | null): boolean {
  try {
    return remote?.location.href === "about:blank";
  } catch {
    // Another origin's page keeps its address to itself, so there is one.
    return false;
  }
}
