/**
 * The page's end of the bus. It speaks the protocol of penpal 7, with which the widget opens its own end.
 *
 * penpal itself would take a third of all that reaches a customer's page, most of it for what is never used there, and
 * leaves open what a page has to know: that a call was lost with its window, and that another document has taken its place.
 *
 * @see https://github.com/Aaronius/penpal, version 7.0.6: `shakeHands.ts`, `connectCallHandler.ts`, `connectRemoteProxy.ts`.
 */

/** One end of the bus. */
export interface WidgetPort {
  /**
   * Posts an event to the connected widget and resolves with its answer, or with nothing where the port is closed before.
   * The promise is left pending where neither comes.
   */
  post(event: unknown): Promise<unknown>;
  /** Closes both ends. */
  close(): void;
}

export interface WidgetPortUser {
  /** Answers what the widget posts, now or later. Must not throw. */
  readonly receive: (event: unknown) => unknown;
  /** A document in the window greets for the first time. */
  readonly onGreeted: () => void;
  /** The handshake is complete. */
  readonly onOpened: () => void;
  /** The widget has closed its end. */
  readonly onEnded: () => void;
}

const namespace = "penpal";

/**
 * Opens the page's end to a widget of exactly this origin in this window, as soon as there is one.
 *
 * The handshake: both sides greet with `SYN` until each has heard the other. The side with the greater id, which is
 * always this one, then says what it offers (`ACK1`), and the other sends one end of a channel for all that follows (`ACK2`).
 */
export function openWidgetPort(remote: Window | null, origin: string, user: WidgetPortUser): WidgetPort {
  // `~` comes after every character that penpal makes ids of. A new id tells the widget that this is a new connection.
  const participantId = `~${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  const answers = new Map<string, (answer: unknown) => void>();
  let calls = 0;
  let widget: unknown;
  let port: MessagePort | undefined;
  let isClosed = false;

  function greet(): void {
    remote?.postMessage({ namespace, type: "SYN", participantId }, origin);
  }

  function onWindowMessage({ source, origin: sender, data, ports }: MessageEvent): void {
    if (source !== remote || sender !== origin || data?.namespace !== namespace || data.channel !== undefined) return;
    if (data.type === "SYN" && data.participantId !== widget) {
      widget = data.participantId;
      user.onGreeted();
      // Another port takes the place of one that was open to the document before this one.
      if (isClosed) return;
      greet();
      remote?.postMessage({ namespace, type: "ACK1", methodPaths: [["post"]] }, origin);
    }
    if (data.type === "ACK2" && ports[0]) {
      if (port) {
        // The widget has connected twice, as where a browser delivers our greeting before the end of the last connection:
        // it has closed the first channel, and what was posted there is lost.
        user.onEnded();
        return;
      }
      port = ports[0];
      port.onmessage = onPortMessage;
      user.onOpened();
    }
  }

  async function onPortMessage({ data }: MessageEvent): Promise<void> {
    // Whatever comes, in whatever form, must not throw in the customer's page.
    const { type, id, args, callId, value } = data ?? {};
    if (type === "REPLY") {
      answers.get(callId)?.(value);
      answers.delete(callId);
    }
    // There is one method, whatever path is asked for: nothing is ever looked up by a name from outside.
    if (type === "CALL")
      port?.postMessage({ namespace, type: "REPLY", callId: id, value: await user.receive(args?.[0]) });
    if (type === "DESTROY") user.onEnded();
  }

  addEventListener("message", onWindowMessage);
  // A frame that is still blank has another origin, at which the browser would grumble: who is loaded there greets first.
  if (!isBlank(remote)) greet();
  return {
    post: (event) =>
      new Promise((resolve) => {
        calls += 1;
        const id = `${calls}`;
        answers.set(id, resolve);
        port?.postMessage({ namespace, type: "CALL", id, methodPath: ["post"], args: [event] });
      }),
    close() {
      isClosed = true;
      removeEventListener("message", onWindowMessage);
      port?.postMessage({ namespace, type: "DESTROY" });
      port?.close();
      // Who waits for a sign of life would else hold its absence against the next widget.
      for (const answer of answers.values()) answer(undefined);
    },
  };
}

function isBlank(remote: Window | null): boolean {
  try {
    return remote?.location.href === "about:blank";
  } catch {
    // Another origin's page keeps its address to itself, so there is one.
    return false;
  }
}
