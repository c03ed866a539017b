import type { MessageHandler, Messenger } from "penpal";

/**
 * Penpal's way to the widget's frame. Unlike penpal's own messenger, which posts its first message to `"*"`, it posts
 * every message to the widget's exact origin, and it leaves out what penpal carries along for older versions of itself.
 *
 * Only messages from this window and this origin count.
 */
export function createFrameMessenger({ contentWindow }: HTMLIFrameElement, origin: string): Messenger {
  const handlers = new Set<MessageHandler>();
  let isMessage: Parameters<Messenger["initialize"]>[0]["validateReceivedMessage"];
  let port: MessagePort | undefined;

  function deliver({ data }: MessageEvent<unknown>): void {
    if (isMessage(data)) for (const handle of [...handlers]) handle(data);
  }

  function usePort(next: MessagePort | undefined): void {
    port?.close();
    port = next;
    if (port) port.onmessage = deliver;
  }

  function receive(event: MessageEvent<unknown>): void {
    const { source, data, ports } = event;
    if (source !== contentWindow || event.origin !== origin || !isMessage(data)) return;
    // A widget that has just been loaded greets anew and will use a port of its own.
    if (data.type === "SYN") usePort(undefined);
    if (data.type === "ACK2") usePort(ports[0]);
    deliver(event);
  }

  return {
    initialize({ validateReceivedMessage }) {
      isMessage = validateReceivedMessage;
      addEventListener("message", receive);
    },
    sendMessage(message, transferables = []) {
      if (message.type === "ACK2") {
        const channel = new MessageChannel();
        usePort(channel.port1);
        contentWindow?.postMessage(message, origin, [channel.port2]);
      } else if (message.type === "SYN" || message.type === "ACK1") {
        // A frame that is still blank has another origin, and the browser would log the mismatch. The widget greets first.
        if (!isBlank(contentWindow)) contentWindow?.postMessage(message, origin);
      } else if (port) port.postMessage(message, transferables);
      else throw new Error("The widget has gone and has not greeted again");
    },
    addMessageHandler: (handler) => handlers.add(handler),
    removeMessageHandler: (handler) => handlers.delete(handler),
    destroy() {
      removeEventListener("message", receive);
      usePort(undefined);
      handlers.clear();
    },
  };
}

function isBlank(frame: Window | null): boolean {
  try {
    return frame?.location.href === "about:blank";
  } catch {
    // Another origin's page keeps its address to itself, so there is one.
    return false;
  }
}
