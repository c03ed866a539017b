/** Script of the page that the kit shows to a widget. The page gets the functions as text, so a function may use types alone from outside its body. */
import type { Arrival, openWire, Wire, WireReply } from "./wire.ts";

/** Behaviour of the kit's page towards the widget. */
export interface PageManner {
  /** Address of the widget's document. */
  readonly src: string;
  /** The side that sends ACK1. @default "widget" */
  readonly leader?: "widget" | "page";
  /** False for a page that exposes no method. @default true */
  readonly hasMethod?: boolean;
  /** Tokens in the order in which the page gives them; the last again and again. Without tokens it rejects. @default [] */
  readonly tokens?: readonly string[];
  /** Treatment of announcements. @default "accept" */
  readonly announcements?: "accept" | "throw" | "ignore";
  /** Timeout of the handshake, in milliseconds. */
  readonly handshakeMs: number;
}

/** The state of the connection after the wait for a handshake. */
export interface Greeting {
  readonly isConnected: boolean;
  readonly methodPaths: readonly (readonly string[])[] | null;
  readonly ms: number;
}

/** Answer to one call of the widget's `post`. */
export interface Answer {
  /** Number of replies; 0 after the timeout. */
  readonly replies: number;
  /** True if the call rejected. */
  readonly isError: boolean;
  /** The value as JSON; `"undefined"` for a value that JSON lacks. */
  readonly text: string;
  readonly ms: number;
}

/** A request of the widget to the page. */
export interface AskedOfPage {
  readonly type: string;
  readonly hasIdOrTimeout: boolean;
  readonly timeoutMs: unknown;
}

/** The page's end of the connection, for the kit. */
export interface PageHarness {
  /** Loads the widget and waits for the handshake. */
  connect(manner: PageManner): Promise<Greeting>;
  /** Loads the widget anew in the same frame, and waits for the next handshake. */
  reload(): Promise<Greeting>;
  /** Opens a second connection to the same document. `isLoud` sends DESTROY over the first connection before. */
  reconnect(isLoud: boolean): Promise<Greeting>;
  /** Calls `post` with each event, given as JSON, at the same time. */
  postTexts(texts: readonly string[], waitMs: number): Promise<readonly Answer[]>;
  /** Calls `post` with each event in turn. */
  postInOrder(texts: readonly string[], waitMs: number): Promise<readonly Answer[]>;
  /** Calls `post` with a value of the structured clone. */
  postValue(value: unknown, waitMs: number): Promise<Answer>;
  /** Calls `post` with a generated event: 64 KiB of text, 32 levels, or 33 levels. */
  postHuge(kind: "long" | "deep" | "deepest", waitMs: number): Promise<Answer>;
  /** Calls any method. */
  call(methodPath: readonly string[], waitMs: number): Promise<Answer>;
  /** Announcements of the widget, in order. */
  readAnnounced(): readonly unknown[];
  /** Requests of the widget to the page, in order. */
  readAsked(): readonly AskedOfPage[];
  /** The largest number of replies to one call so far. */
  countMostReplies(): number;
  /** Messages from the widget's window. */
  readArrivals(): readonly Arrival[];
  /** Posts forged messages to the widget's window, from a sibling frame of the page's origin, and returns the frame's messages after `waitMs`. */
  forge(waitMs: number): Promise<readonly unknown[]>;
}

declare global {
  interface Window {
    /** The kit's end of the connection. */
    conformance: PageHarness;
  }
}

/** Installs `window.conformance` in a page. */
export function installPageHarness(open: typeof openWire): void {
  const POLL_MS = 5;
  const frame = document.createElement("iframe");
  // A visible widget would also read the list of agents.
  frame.hidden = true;
  const announced: unknown[] = [];
  const asked: AskedOfPage[] = [];
  const calls: string[] = [];
  let manner: PageManner = { src: "", handshakeMs: 0 };
  let wire: Wire | undefined;
  let given = 0;

  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  async function waitUntil(isDone: () => boolean, waitMs: number): Promise<void> {
    const end = performance.now() + waitMs;
    while (!isDone() && performance.now() < end) await pause(POLL_MS);
  }

  function answerCall(event: unknown, reply: (value: unknown, isError?: boolean) => void): void {
    const { type, meta } = Object(event);
    if (type === "HOST.FETCH_TOKEN") {
      asked.push({
        type,
        hasIdOrTimeout: "id" in Object(meta) || "timeoutMs" in Object(meta),
        timeoutMs: meta?.timeoutMs,
      });
      const tokens = manner.tokens ?? [];
      const token = tokens[Math.min(given, tokens.length - 1)];
      given += 1;
      const echoed = meta?.id === undefined ? {} : { id: meta.id };
      const error = { code: "UNKNOWN_EVENT", message: "This page has no token", retryable: false };
      if (token) reply({ type: `${type}_FULFILLED`, payload: { token }, meta: echoed });
      else reply({ type: `${type}_REJECTED`, payload: { error }, meta: { ...echoed, source: "bridge" } });
      return;
    }
    announced.push(event);
    if (manner.announcements === "throw") reply("The page fails on purpose", true);
    else if (manner.announcements !== "ignore") reply(undefined);
  }

  function openAnew(): Wire {
    const { src, leader = "widget", hasMethod = true } = manner;
    const id = Math.random().toString(36).slice(2);
    return open({
      getRemote: () => frame.contentWindow,
      origin: new URL(src).origin,
      // "~" comes after, "!" before all characters of the ids that penpal makes.
      participantId: `${leader === "page" ? "~" : "!"}${id}`,
      methodPaths: hasMethod ? [["post"]] : [],
      onCall({ methodPath, args }, reply) {
        if (methodPath.join() === "post" && hasMethod) answerCall(args[0], reply);
        else reply({ name: "PenpalError", message: "no such method", penpalCode: "METHOD_NOT_FOUND" }, true);
      },
    });
  }

  async function greet(used: Wire, before: number): Promise<Greeting> {
    const start = performance.now();
    await waitUntil(() => used.countHandshakes() > before, manner.handshakeMs);
    return {
      isConnected: used.countHandshakes() > before,
      methodPaths: used.readMethodPaths() ?? null,
      ms: performance.now() - start,
    };
  }

  const toAnswer = (replies: readonly WireReply[]): Answer => {
    const [first] = replies;
    const text = String(first && JSON.stringify(first.value));
    return { replies: replies.length, isError: first?.isError === true, text, ms: first?.ms ?? 0 };
  };

  async function wait(id: string | undefined, waitMs: number): Promise<Answer> {
    const used = wire;
    if (!used || id === undefined) return toAnswer([]);
    calls.push(id);
    await waitUntil(() => used.repliesTo(id).length > 0, waitMs);
    return toAnswer(used.repliesTo(id));
  }

  const post = (event: unknown, waitMs: number): Promise<Answer> => wait(wire?.call(["post"], [event]), waitMs);

  function nest(levels: number): unknown {
    let value: unknown = {};
    for (let level = 1; level < levels; level += 1) value = { a: value };
    return value;
  }

  frame.addEventListener("load", () => {
    // A widget may wait for the page's SYN. After the widget's own SYN a further SYN would close penpal's port.
    if (wire?.arrivals.length === 0) wire.greet();
  });
  window.conformance = {
    async connect(next) {
      manner = next;
      wire = openAnew();
      frame.src = manner.src;
      document.body.append(frame);
      return greet(wire, 0);
    },
    async reload() {
      const used = wire ?? openAnew();
      const before = used.countHandshakes();
      frame.src = manner.src;
      return greet(used, before);
    },
    async reconnect(isLoud) {
      wire?.close(isLoud);
      wire = openAnew();
      wire.greet();
      return greet(wire, 0);
    },
    postTexts: (texts, waitMs) => Promise.all(texts.map((text) => post(JSON.parse(text), waitMs))),
    async postInOrder(texts, waitMs) {
      const answers: Answer[] = [];
      for (const text of texts) answers.push(await post(JSON.parse(text), waitMs));
      return answers;
    },
    postValue: post,
    postHuge(kind, waitMs) {
      const type = "CONFORMANCE.UNKNOWN";
      if (kind === "long") return post({ type, payload: { text: "x".repeat(65_536) } }, waitMs);
      // With the event as the first level.
      return post({ type, payload: nest(kind === "deep" ? 31 : 32) }, waitMs);
    },
    call: (methodPath, waitMs) => wait(wire?.call(methodPath, []), waitMs),
    readAnnounced: () => announced,
    readAsked: () => asked,
    countMostReplies: () => Math.max(0, ...calls.map((id) => wire?.repliesTo(id).length ?? 0)),
    readArrivals: () => wire?.arrivals ?? [],
    async forge(waitMs) {
      const forger = document.createElement("iframe");
      forger.hidden = true;
      document.body.append(forger);
      const { contentWindow } = forger;
      const target = frame.contentWindow;
      if (!contentWindow || !target) return [];
      const received: unknown[] = [];
      contentWindow.addEventListener("message", ({ data }) => received.push(data));
      const message = (fields: object): object => ({ namespace: "penpal", channel: undefined, ...fields });
      const ping = { type: "BUS.PING", meta: { id: "forged" } };
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => received.push(data);
      // A function made in the forger's window posts as the forger.
      const postAs = Reflect.get(contentWindow, "Function")(
        "target",
        "message",
        "transfer",
        "target.postMessage(message, '*', transfer)",
      );
      postAs(target, message({ type: "SYN", participantId: "~forger" }), []);
      postAs(target, message({ type: "ACK1", methodPaths: [["post"]] }), []);
      postAs(target, message({ type: "ACK2" }), [port2]);
      postAs(target, message({ type: "CALL", id: "forged", methodPath: ["post"], args: [ping] }), []);
      port1.postMessage(message({ type: "CALL", id: "forged", methodPath: ["post"], args: [ping] }));
      postAs(target, message({ type: "DESTROY" }), []);
      await pause(waitMs);
      forger.remove();
      return received;
    },
  };
}
