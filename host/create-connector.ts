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
import type { Port } from "../shared/penpal-port.ts";
import { invalidRequest, Refusal } from "../shared/rejection.ts";
import type { Connector, ConnectorRecord, ConnectorState, Happening, RequestOptions } from "./connector.ts";
import { createEventListeners, createListeners } from "./listeners.ts";
import { type OpenRequest, openRequest, type PostedRequest } from "./open-request.ts";
import { createReadiness } from "./readiness.ts";

export interface CreateConnectorOptions {
  /** Opens the port to the widget. `receive` answers what the widget posts. */
  readonly open: (receive: (event: unknown) => unknown) => Port;
  /** What to say where no widget connects: the likely causes. */
  readonly unavailable: string;
  /** Life of a request where its caller says nothing, in milliseconds. */
  readonly timeoutMs: number;
  /** How long the handshake may take before `ready` rejects, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** Called once by `destroy()`, after everything has settled. */
  readonly onDestroy: () => void;
}

/** Creates a connector over a port. Knows neither the DOM nor penpal. */
export function createConnector(options: CreateConnectorOptions): Connector {
  const { unavailable } = options;
  const inFlight = new Map<string, OpenRequest>();
  const observers = createListeners<[ConnectorRecord]>();
  const stateListeners = createListeners<[ConnectorState]>();
  const eventListeners = createEventListeners();
  const nextId = createIds();
  const clock = createAlarmClock();
  let state: ConnectorState = "connecting";

  const port = options.open(receive);
  const readiness = createReadiness(options.handshakeTimeoutMs, unavailable);
  port.opened.then(onOpened, (cause: unknown) =>
    readiness.reject("WIDGET_UNAVAILABLE", `${unavailable} (${String(cause)})`),
  );

  function onOpened(): void {
    if (state === "closed") return;
    changeState("ready");
    readiness.resolve();
    for (const request of Array.from(inFlight.values())) request.send(port);
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

  function dispatch(event: Envelope, { signal, timeoutMs }: RequestOptions = {}): Promise<Settlement> {
    const askedAt = performance.now();
    const asked = peek(event);
    function handOut(settlement: Settlement, posted: Envelope): Settlement {
      const durationMs = performance.now() - askedAt;
      record({ kind: "settled", event: posted, settlement, durationMs });
      const answer = asked.id === undefined ? withoutId(settlement) : settlement;
      eventListeners.emit(answer, event);
      return answer;
    }
    try {
      return start(admit(event, timeoutMs), signal, handOut);
    } catch (refusal) {
      return Promise.resolve(handOut(refused(asked, refusal), event));
    }
  }

  /** Checks an event and completes it to what is posted. @throws {Refusal} where it cannot be sent. */
  function admit(event: Envelope, timeoutMs: number | undefined): PostedRequest {
    if (state === "closed") throw new Refusal("CONNECTION_CLOSED", DESTROYED);
    if (inFlight.size >= MAX_IN_FLIGHT) throw new Refusal("OVERLOADED", `${MAX_IN_FLIGHT} requests are in flight`);
    const { meta, ...checked } = readEvent(event);
    const id = meta?.id ?? nextId();
    if (inFlight.has(id)) throw invalidRequest("meta.id", "an id that is not in flight");
    const life = readTimeout(timeoutMs ?? meta?.timeoutMs ?? options.timeoutMs, "timeoutMs");
    return { ...checked, meta: { ...meta, id, timeoutMs: life } };
  }

  function start(
    request: PostedRequest,
    signal: AbortSignal | undefined,
    handOut: (settlement: Settlement, posted: Envelope) => Settlement,
  ): Promise<Settlement> {
    const { id } = request.meta;
    if (signal?.aborted) throw new Refusal("ABORTED", `${request.type} was aborted`);
    const opened = openRequest({
      request,
      signal,
      clock,
      unavailable,
      onSent: (event) => record({ kind: "sent", event }),
      onAbandoned: () => void dispatch({ type: "BUS.CANCEL", payload: { id } }),
      onSettled(settlement) {
        inFlight.delete(id);
        return handOut(settlement, request);
      },
    });
    inFlight.set(id, opened);
    if (state === "ready") opened.send(port);
    return opened.settled;
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
    for (const { refuse } of Array.from(inFlight.values())) refuse("CONNECTION_CLOSED", DESTROYED);
    readiness.reject("CONNECTION_CLOSED", DESTROYED);
    clock.stop();
    port.close();
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

const DESTROYED = "The connector was destroyed";

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
