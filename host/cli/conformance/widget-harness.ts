/** Script of the frame that the kit shows to a page. The frame gets the functions as text, so a function may use types alone from outside its body. */
import type { Answer } from "./harness.ts";
import type { Arrival, openWire, Wire, WireReply } from "./wire.ts";

/** Behaviour of the kit's widget towards the page. */
export interface WidgetManner {
  /** The side that sends ACK1. @default "page" */
  readonly leader?: "widget" | "page";
  /** Treatment of requests. @default "settle" */
  readonly requests?: "settle" | "hold" | "garble" | "overload";
}

/** A call of the page. */
export interface CallOfPage {
  /** The event as JSON; `"undefined"` for a value that JSON lacks. */
  readonly text: string;
  readonly methodPath: readonly string[];
  readonly argumentCount: number;
}

/** The widget's end of the connection, for the kit. */
export interface WidgetHarness {
  countHandshakes(): number;
  readMethodPaths(): readonly (readonly string[])[] | null;
  readCalls(): readonly CallOfPage[];
  /** Messages from the page's window. */
  readArrivals(): readonly Arrival[];
  /** Calls the page's `post` with an event as JSON. */
  post(text: string, waitMs: number): Promise<Answer>;
  call(methodPath: readonly string[], waitMs: number): Promise<Answer>;
  /** Posts replies to unknown calls, and a second reply to each call of the page. */
  postStrayReplies(): void;
}

declare global {
  interface Window {
    conformanceWidget: WidgetHarness;
  }
}

/** Installs `window.conformanceWidget` in the kit's widget, and begins the handshake. */
export function installWidgetHarness(open: typeof openWire, manner: WidgetManner): void {
  const calls: (CallOfPage & { readonly id: string })[] = [];
  const session = Math.random().toString(36).slice(2);

  function toAvailability(userId: unknown): object {
    return { userId, status: "available", version: 7 };
  }

  function toAvailabilities(userIds: unknown): object {
    const ids = Array.isArray(userIds) ? userIds : [];
    return Object.fromEntries(ids.map((id) => [String(id), toAvailability(id)]));
  }

  /** Payloads of fulfilled requests. Any other request is unknown. */
  const payloads: Readonly<
    Record<string, (payload: { readonly variables?: Readonly<Record<string, unknown>> }) => unknown>
  > = {
    "API.FETCH_USER_AVAILABILITY": ({ variables }) => toAvailability(variables?.["userId"]),
    "API.FETCH_AVAILABILITIES": () => toAvailabilities([123]),
    "API.WATCH_AVAILABILITIES": ({ variables }) => toAvailabilities(variables?.["userIds"]),
    "API.CHANGE_WATCHED_USERS": ({ variables }) => toAvailabilities(variables?.["added"]),
    "API.UPDATE_AVAILABILITY": () => toAvailability(123),
    "BUS.REGISTER": () => ({ protocol: 1, sessionId: session, events: Object.keys(payloads) }),
    "BUS.PING": () => ({}),
    "BUS.CANCEL": () => ({ cancelled: false }),
    "BUS.STATS": () => ({ calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 }),
    "BUS.INIT": () => undefined,
    "BUS.DESTROY": () => undefined,
    "AUTH.REFRESH_TOKEN": () => undefined,
  };

  function settle(event: unknown): unknown {
    const { type, payload, meta } = Object(event);
    const id = meta?.id === undefined ? {} : { id: meta.id };
    const reject = (code: string, retryable: boolean): object => ({
      type: `${type}_REJECTED`,
      payload: { error: { code, message: "The kit's widget rejects this", retryable } },
      meta: { ...id, source: "bridge" },
    });
    if (manner.requests === "overload") return reject("OVERLOADED", true);
    const make = Object.hasOwn(payloads, type) ? payloads[type] : undefined;
    if (!make) return reject("UNKNOWN_EVENT", false);
    return { type: `${type}_FULFILLED`, payload: make(Object(payload)), ...(meta?.id !== undefined && { meta: id }) };
  }

  /** A connector sends the requests of the bus by itself, and may report a failure as an error. */
  const isOfDomain = (event: unknown): boolean => !String(Object(event).type).startsWith("BUS.");

  /** Values that are not settlements. */
  const garbage = [null, 7, "no settlement", {}, { type: "BUS.OTHER_FULFILLED", payload: null, meta: { id: "other" } }];

  const wire: Wire = open({
    getRemote: () => parent,
    origin: "*",
    participantId: `${manner.leader === "widget" ? "~" : "!"}${session}`,
    methodPaths: [["post"]],
    onCall({ id, methodPath, args }, reply) {
      calls.push({ id, text: String(JSON.stringify(args[0])), methodPath, argumentCount: args.length });
      if (methodPath.join() !== "post")
        reply({ name: "PenpalError", message: "no such method", penpalCode: "METHOD_NOT_FOUND" }, true);
      else if (manner.requests === "garble" && isOfDomain(args[0])) reply(garbage[calls.length % garbage.length]);
      else if (manner.requests !== "hold") reply(settle(args[0]));
    },
  });

  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  async function wait(id: string | undefined, waitMs: number): Promise<Answer> {
    const end = performance.now() + waitMs;
    const read = (): readonly WireReply[] => (id === undefined ? [] : wire.repliesTo(id));
    while (read().length === 0 && performance.now() < end) await pause(5);
    const [first] = read();
    const text = String(first && JSON.stringify(first.value));
    return { replies: read().length, isError: first?.isError === true, text, ms: first?.ms ?? 0 };
  }

  window.conformanceWidget = {
    countHandshakes: wire.countHandshakes,
    readMethodPaths: () => wire.readMethodPaths() ?? null,
    readCalls: () => calls.map(({ text, methodPath, argumentCount }) => ({ text, methodPath, argumentCount })),
    readArrivals: () => wire.arrivals.filter(({ origin }) => origin !== null),
    post: (text, waitMs) => wait(wire.call(["post"], [JSON.parse(text)]), waitMs),
    call: (methodPath, waitMs) => wait(wire.call(methodPath, []), waitMs),
    postStrayReplies() {
      const ids = ["nobody", "", "constructor", ...calls.map(({ id }) => id)];
      for (const callId of ids)
        wire.postRaw({ type: "REPLY", callId, value: { type: "BUS.PING_FULFILLED", payload: {} } });
    },
  };
  wire.greet();
}

/** Posts forged messages to the page, and records messages as `window.forged`: a sound page sends none. */
export function installForger(): void {
  const forged: unknown[] = [];
  Object.assign(window, { forged });
  addEventListener("message", ({ data }) => forged.push(data));
  const toMessage = (fields: object): object => ({ namespace: "penpal", channel: undefined, ...fields });
  const call = {
    type: "CALL",
    id: "forged",
    methodPath: ["post"],
    args: [{ type: "HOST.FETCH_TOKEN", meta: { id: "forged" } }],
  };
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => forged.push(data);
  parent.postMessage(toMessage({ type: "SYN", participantId: "~forger" }), "*");
  parent.postMessage(toMessage({ type: "ACK1", methodPaths: [["post"]] }), "*");
  parent.postMessage(toMessage({ type: "ACK2" }), "*", [port2]);
  parent.postMessage(toMessage(call), "*");
  port1.postMessage(toMessage(call));
  parent.postMessage({ type: "USER.AVAILABILITY_CHANGED", payload: { forged: true } }, "*");
  parent.postMessage(toMessage({ type: "DESTROY" }), "*");
}
