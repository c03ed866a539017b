import { createAlarmClock } from "../shared/alarm-clock.ts";
import {
  type Envelope,
  isRejected,
  MAX_IN_FLIGHT,
  peek,
  readEvent,
  readTimeout,
  refused,
  type Settlement,
} from "../shared/envelope.ts";
import { toBusError } from "../shared/errors.ts";
import { invalidRequest, Refusal } from "../shared/rejection.ts";
import type { Connector, ConnectorRecord, ConnectorState, Happening, RequestOptions } from "./connector.ts";
import type { Link, LinkUser, LossOfAll } from "./link.ts";
import { createEventListeners, createListeners } from "./listeners.ts";
import { type OpenRequest, openRequest, type PostedRequest } from "./open-request.ts";
import { createReadiness } from "./readiness.ts";

export interface CreateConnectorOptions {
  /** Opens the link to the widget. */
  readonly open: (user: LinkUser) => Link;
  /** What the connector says of its page after each handshake. */
  readonly registration: { readonly origin: string; readonly appName: string; readonly release: string };
  /** What to say where no widget connects: the likely causes. */
  readonly unavailable: string;
  /** Life of a request where its caller says nothing, in milliseconds. */
  readonly timeoutMs: number;
  /** How long a request, or `ready`, waits for a widget, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** Called once by `destroy()`, after everything has settled. */
  readonly onDestroy: () => void;
}

/** Creates a connector over a link. Knows neither the DOM nor penpal. */
export function createConnector(options: CreateConnectorOptions): Connector {
  const { registration, unavailable, handshakeTimeoutMs } = options;
  const inFlight = new Map<string, OpenRequest>();
  const observers = createListeners<[ConnectorRecord]>();
  const stateListeners = createListeners<[ConnectorState]>();
  const eventListeners = createEventListeners();
  const nextId = createIds();
  const clock = createAlarmClock();
  const readiness = createReadiness();
  let state: ConnectorState = "connecting";

  const waiting = (): OpenRequest[] => Array.from(inFlight.values()).filter((request) => !request.isSent());
  clock.ringIn(handshakeTimeoutMs, () => readiness.reject("WIDGET_UNAVAILABLE", unavailable));
  const link = options.open({
    clock,
    receive,
    isWaiting: () => readiness.isPending() || waiting().length > 0,
    isBusy: () => inFlight.size > 0,
    onOpened,
    onLost,
  });

  function onOpened(): void {
    changeState("ready");
    readiness.resolve();
    for (const request of waiting()) request.send();
    if (state === "ready") submit({ type: "BUS.REGISTER", payload: registration });
  }

  function onLost(fate?: LossOfAll): void {
    if (state === "ready") changeState("reconnecting");
    for (const request of Array.from(inFlight.values())) {
      if (fate) request.refuse(...fate);
      else if (!request.isSent()) continue;
      else if (IDEMPOTENT_REQUESTS.includes(request.type)) request.wait();
      else request.refuse("CONNECTION_CLOSED", `The widget went while it had ${request.type}: the outcome is unknown`);
    }
  }

  function record(what: Happening): void {
    observers.emit({ at: Date.now(), ...what });
  }

  function changeState(next: ConnectorState): void {
    state = next;
    record({ kind: "state", state });
    stateListeners.emit(state);
  }

  /** Answers the widget: announcements are heard and answered with nothing; of requests, this page knows none. */
  function receive(event: unknown): Settlement | undefined {
    try {
      const announcement = readEvent(event);
      const { type } = announcement;
      if (type.startsWith("HOST.")) throw new Refusal("UNKNOWN_EVENT", `${type} is not known to this page`);
      record({ kind: "announced", event: announcement });
      eventListeners.emit(announcement);
      return undefined;
    } catch (refusal) {
      return refused(peek(event), refusal);
    }
  }

  function dispatch(event: Envelope, requestOptions?: RequestOptions): Promise<Settlement> {
    return new Promise((resolve) => {
      submit(event, requestOptions, (settlement) => {
        eventListeners.emit(settlement, event);
        resolve(settlement);
      });
    });
  }

  /** Sends an event. What the connector says on its own account is observed and not listened to. */
  function submit(
    event: Envelope,
    { signal, timeoutMs }: RequestOptions = {},
    onSettled?: (settlement: Settlement) => void,
  ): void {
    const askedAt = performance.now();
    const asked = peek(event);
    function settle(settlement: Settlement, posted: Envelope): void {
      record({ kind: "settled", event: posted, settlement, durationMs: performance.now() - askedAt });
      onSettled?.(asked.id === undefined ? withoutId(settlement) : settlement);
    }
    try {
      start(admit(event, timeoutMs), signal, settle);
    } catch (refusal) {
      settle(refused(asked, refusal), event);
    }
  }

  /** Checks an event and completes it to what is posted. @throws {Refusal} where it cannot be sent. */
  function admit(event: Envelope, timeoutMs: number | undefined): PostedRequest {
    if (state === "closed") throw new Refusal(...DESTROYED);
    const { meta, ...checked } = readEvent(event);
    if (inFlight.size >= MAX_IN_FLIGHT && !checked.type.startsWith("BUS.")) {
      throw new Refusal("OVERLOADED", `${MAX_IN_FLIGHT} requests are in flight`);
    }
    const id = meta?.id ?? nextId();
    if (inFlight.has(id)) throw invalidRequest("meta.id", "an id that is not in flight");
    const life = readTimeout(timeoutMs ?? meta?.timeoutMs ?? options.timeoutMs, "timeoutMs");
    return { ...checked, meta: { ...meta, id, timeoutMs: life } };
  }

  function start(
    request: PostedRequest,
    signal: AbortSignal | undefined,
    onSettled: (settlement: Settlement, posted: Envelope) => void,
  ): void {
    const { type, meta } = request;
    if (signal?.aborted) throw new Refusal("ABORTED", `${type} was aborted`);
    const opened = openRequest({
      request,
      clock,
      patienceMs: handshakeTimeoutMs,
      unavailable,
      post(event) {
        record({ kind: "sent", event });
        return link.post(event);
      },
      onSettled(settlement) {
        inFlight.delete(meta.id);
        signal?.removeEventListener("abort", abort);
        onSettled(settlement, request);
      },
    });
    function abort(): void {
      const isWithWidget = opened.isSent();
      opened.refuse("ABORTED", `${type} was aborted`);
      if (isWithWidget) submit({ type: "BUS.CANCEL", payload: { id: meta.id } });
    }
    signal?.addEventListener("abort", abort);
    inFlight.set(meta.id, opened);
    if (state === "ready") opened.send();
    else {
      opened.wait();
      link.seek();
    }
  }

  async function request(type: string, payload: unknown, requestOptions?: RequestOptions): Promise<unknown> {
    const event = { type, payload };
    const settlement = await dispatch(event, requestOptions);
    if (!isRejected(settlement)) return settlement.payload;
    const error = toBusError(event, settlement);
    throw error.code === "ABORTED" ? requestOptions?.signal?.reason : error;
  }

  function destroy(): void {
    if (state === "closed") return;
    changeState("closed");
    for (const { refuse } of Array.from(inFlight.values())) refuse(...DESTROYED);
    readiness.reject(...DESTROYED);
    link.close();
    clock.stop();
    options.onDestroy();
  }

  return {
    ready: readiness.promise,
    get state() {
      return state;
    },
    // Wire becomes type here: the widget checks what is asked against the contract, and answers by it.
    dispatch,
    request: request as Connector["request"],
    on: eventListeners.add,
    onStateChange: stateListeners.add,
    observe: observers.add,
    destroy,
  };
}

const DESTROYED = ["CONNECTION_CLOSED", "The connector was destroyed"] as const;

/** Names for requests whose caller gave none, unlike those of any other connector. */
function createIds(): () => string {
  // Not `randomUUID`: it is missing on pages that are served without TLS.
  const prefix = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let count = 0;
  return () => `${prefix}-${++count}`;
}

/** A settlement as it would be, had the connector not named its request. */
function withoutId(settlement: Settlement): Settlement {
  const { id: _id, ...meta } = settlement.meta ?? {};
  if ("source" in meta) return { ...settlement, meta } as Settlement;
  const { meta: _meta, ...bare } = settlement;
  return bare as Settlement;
}
