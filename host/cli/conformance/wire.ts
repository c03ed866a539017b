/**
 * Messages of penpal 7 without the library, so that the kit sees each message and can send invalid messages. A document gets the
 * functions as text, so a function may use types alone from outside its body.
 */

/** A received message. */
export interface Arrival {
  /** The origin of the sender for a window message, `null` for one over the port. */
  readonly origin: string | null;
  readonly data: unknown;
}

/** A call of the other side. */
export interface WireCall {
  readonly id: string;
  readonly methodPath: readonly string[];
  readonly args: readonly unknown[];
}

/** A reply of the other side. */
export interface WireReply {
  readonly isError: boolean;
  readonly value: unknown;
  /** Milliseconds since the call. */
  readonly ms: number;
}

export interface WireOptions {
  readonly getRemote: () => Window | null;
  /** Origin of the remote window, or `"*"` if the wire is to learn it from the first message. */
  readonly origin: string;
  /** The side with the greater id, by character codes, sends ACK1. */
  readonly participantId: string;
  readonly methodPaths: readonly (readonly string[])[];
  /** Answers a call: `reply` may be called any number of times. */
  readonly onCall: (call: WireCall, reply: (value: unknown, isError?: boolean) => void) => void;
}

/** One end of the wire. */
export interface Wire {
  /** Messages from the remote window, in order. */
  readonly arrivals: readonly Arrival[];
  /** Number of finished handshakes. */
  countHandshakes(): number;
  /** Methods of the other side, from its ACK1; `undefined` without an ACK1. */
  readMethodPaths(): readonly (readonly string[])[] | undefined;
  /** Calls a method and returns the call's id; `undefined` without a port. */
  call(methodPath: readonly string[], args: readonly unknown[]): string | undefined;
  /** Replies to a call so far. */
  repliesTo(id: string): readonly WireReply[];
  /** Posts a message over the port. */
  postRaw(message: object): void;
  /** Begins a handshake. */
  greet(): void;
  /** Closes the connection. `isLoud` sends DESTROY first. */
  close(isLoud: boolean): void;
}

/** Opens a wire to another window. */
export function openWire({ getRemote, origin, participantId, methodPaths, onCall }: WireOptions): Wire {
  const arrivals: Arrival[] = [];
  const replies = new Map<string, WireReply[]>();
  const calledAt = new Map<string, number>();
  let targetOrigin = origin;
  let remoteId: unknown;
  let remoteMethods: readonly (readonly string[])[] | undefined;
  let port: MessagePort | undefined;
  let handshakes = 0;
  let calls = 0;

  const toWire = (message: object): object => ({ namespace: "penpal", channel: undefined, ...message });

  function postToWindow(message: object, transfer: Transferable[] = []): void {
    getRemote()?.postMessage(toWire(message), targetOrigin, transfer);
  }

  function greet(): void {
    postToWindow({ type: "SYN", participantId });
  }

  function usePort(next: MessagePort): void {
    port?.close();
    port = next;
    handshakes += 1;
    next.onmessage = ({ data }) => receive(data);
  }

  function receive(data: unknown): void {
    arrivals.push({ origin: null, data });
    const { type, id, callId, methodPath, args, value, isError } = Object(data);
    if (type === "REPLY") {
      const ms = performance.now() - (calledAt.get(callId) ?? Number.NaN);
      replies.set(callId, [...(replies.get(callId) ?? []), { isError: isError === true, value, ms }]);
    } else if (type === "CALL") {
      const used = port;
      onCall({ id, methodPath, args }, (given, fails = false) => {
        const failure = fails && { isError: true };
        used?.postMessage(toWire({ type: "REPLY", callId: id, value: given, ...failure }));
      });
    } else if (type === "DESTROY") port = undefined;
  }

  function handleMessage(event: MessageEvent): void {
    const { source, data, ports } = event;
    if (source === null || source !== getRemote()) return;
    arrivals.push({ origin: event.origin, data });
    if (origin !== "*" && event.origin !== origin) return;
    const { namespace, type, participantId: theirs } = Object(data);
    if (namespace !== "penpal") return;
    targetOrigin = event.origin === "null" ? "*" : event.origin;
    if (type === "SYN" && theirs !== remoteId) {
      remoteId = theirs;
      remoteMethods = undefined;
      greet();
      if (participantId > String(theirs)) postToWindow({ type: "ACK1", methodPaths });
    } else if (type === "ACK1") {
      remoteMethods = Object(data).methodPaths;
      const { port1, port2 } = new MessageChannel();
      usePort(port1);
      postToWindow({ type: "ACK2" }, [port2]);
    } else if (type === "ACK2" && ports[0]) usePort(ports[0]);
  }

  addEventListener("message", handleMessage);
  return {
    arrivals,
    countHandshakes: () => handshakes,
    readMethodPaths: () => remoteMethods,
    call(path, args) {
      if (!port) return undefined;
      calls += 1;
      const id = `${participantId}-${calls}`;
      calledAt.set(id, performance.now());
      port.postMessage(toWire({ type: "CALL", id, methodPath: path, args }));
      return id;
    },
    repliesTo: (id) => replies.get(id) ?? [],
    postRaw: (message) => port?.postMessage(toWire(message)),
    greet,
    close(isLoud) {
      if (isLoud) port?.postMessage(toWire({ type: "DESTROY" }));
      removeEventListener("message", handleMessage);
      port?.close();
      port = undefined;
    },
  };
}
