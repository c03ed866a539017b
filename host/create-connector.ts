import type { EventTraits } from "../shared/contracts/contract.ts";
import {
  type CheckedEvent,
  DEFAULT_TIMEOUT_MS,
  type Envelope,
  fulfilled,
  isRejected,
  MAX_IN_FLIGHT,
  peek,
  readEvent,
  readTimeout,
  refused,
  type Settlement,
} from "../shared/protocol/envelope.ts";
import { toBusError } from "../shared/protocol/errors.ts";
import { invalidRequest, Refusal } from "../shared/protocol/rejection.ts";
import { createAlarmClock } from "../shared/runtime/alarm-clock.ts";
import type { EventListener, RequestType } from "./bus-types.ts";
import { type Fate, type Link, type LinkUser } from "./connection/link.ts";
import type { Connector, ConnectorRecord, ConnectorState, Happening, RequestOptions } from "./connector.ts";
import { createListeners } from "./listeners.ts";
import type { Durations } from "./request/durations.ts";
import { type OpenRequest, openRequest, type PostedRequest } from "./request/open-request.ts";
import { createReadiness } from "./request/readiness.ts";
import { createPageToken, FETCH_TOKEN, type FetchToken } from "./token/page-token.ts";
import { createWatches } from "./watch/watches.ts";

export interface CreateConnectorOptions {
  /** Opens the link to the widget. */
  readonly open: (user: LinkUser) => Link;
  /** What the connector says of its page after each handshake. */
  readonly registration: { readonly origin: string; readonly appName: string; readonly release: string };
  /** What to say where no widget connects: the likely causes. */
  readonly unavailable: string;
  readonly durations: Pick<Durations, "timeoutMs" | "handshakeTimeoutMs">;
  /** Where the page gets its tokens, if it has any. */
  readonly fetchToken?: FetchToken | undefined;
  /** Called once by `destroy()`, after everything has settled. */
  readonly onDestroy: () => void;
}

const REGISTER: RequestType = "BUS.REGISTER";
const CANCEL: RequestType = "BUS.CANCEL";

/** Creates a connector over a link. Knows neither the DOM nor penpal. */
export function createConnector(options: CreateConnectorOptions): Connector {
  const { unavailable, durations, fetchToken } = options;
  const { timeoutMs: defaultLifeMs, handshakeTimeoutMs: patienceMs } = durations;
  const inFlight = new Map<string, OpenRequest>();
  const observers = createListeners<[ConnectorRecord]>();
  const listeners = createListeners<[Envelope, Envelope?]>();
  // Unlike those of any other connector. Not `randomUUID`, which is missing on pages that are served without TLS.
  const idPrefix = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let ids = 0;
  const clock = createAlarmClock();
  const readiness = createReadiness();
  const pageToken = fetchToken && createPageToken(fetchToken, clock);
  let state: ConnectorState = "connecting";
  /** Traits of events as the widget that registered last has listed them. Unknown until the first widget has. */
  let traits: Partial<EventTraits> = {};
  const watches = createWatches(clock, () => state, submit);

  const link = options.open({
    clock,
    receive,
    isWanted: () => readiness.isPending() || inFlight.size > 0,
    onOpened,
    onSeen: watches.renew,
    onLost,
  });
  const surroundings = { clock, patienceMs, unavailable, post };
  const endPatience = clock.ringIn(patienceMs, () => readiness.reject("WIDGET_UNAVAILABLE", unavailable));

  function onOpened(): void {
    // It would keep the connector in memory, also in a page that has forgotten it.
    endPatience();
    changeState("ready");
    readiness.resolve();
    // First, so that the traits are known before the widget handles any other request. A listener of the state, or an observer
    // of a sent event, may have destroyed the connector.
    if (state === "ready") {
      submit({ type: REGISTER, payload: options.registration }, undefined, ({ payload }) => {
        traits = Object(payload).traits ?? traits;
      });
    }
    for (const request of inFlight.values()) if (state === "ready" && !request.isSent()) request.send();
    watches.renew();
  }

  function onLost(fate?: Fate): void {
    const wasReady = state === "ready";
    if (wasReady) changeState("reconnecting");
    const requests = [...inFlight.values()];
    for (const request of requests) {
      if (fate) request.refuse(...fate);
      else if (request.isSent()) {
        if (hasTrait("idempotent", request.type)) request.wait();
        else request.refuse("CONNECTION_CLOSED", `${request.type} was lost with its widget: its outcome is unknown`);
      }
    }
    // Once for each widget: where no other can be had, the next try is lost at once.
    if (wasReady) watches.renew();
  }

  function hasTrait(trait: keyof EventTraits, type: string): boolean {
    // The widget's list is not validated: `flat` makes a list of any value.
    return [traits[trait]].flat().includes(type);
  }

  /** Updates the watch list by an event of the widget, or by a fulfilled request of the page. */
  function learn(event: Envelope): void {
    watches.learn(event, hasTrait("availabilities", event.type));
  }

  function record(what: Happening): void {
    if (!observers.isEmpty()) observers.emit({ at: Date.now(), ...what });
  }

  function changeState(next: ConnectorState): void {
    state = next;
    record({ kind: "state", state });
  }

  function post(event: PostedRequest): Promise<unknown> {
    record({ kind: "sent", event });
    return link.post(event);
  }

  /**
   * Handles an event of the widget. The token request, and every other event with a `meta.id` or a `meta.timeoutMs`, expects a
   * settlement; an event with neither is an announcement and gets none.
   */
  async function receive(event: unknown): Promise<Settlement | undefined> {
    const asked = peek(event);
    try {
      const announcement = readEvent(event);
      if (asked.type === FETCH_TOKEN || asked.id || announcement.meta?.timeoutMs)
        return fulfilled(asked, await answer(announcement));
      record({ kind: "announced", event: announcement });
      learn(announcement);
      listeners.emit(announcement);
      return undefined;
    } catch (refusal) {
      return refused(asked, refusal);
    }
  }

  /** Answers a request to the page, of which neither listeners nor observers hear: a token is nothing for them. */
  function answer({ type, meta }: CheckedEvent): Promise<unknown> {
    if (pageToken && type === FETCH_TOKEN) return pageToken.fetch(meta?.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    throw new Refusal("UNKNOWN_EVENT", `${type} is unknown to this page`);
  }

  function dispatch(event: Envelope, requestOptions?: RequestOptions): Promise<Settlement> {
    return new Promise((resolve) => {
      submit(event, requestOptions, (settlement, posted) => {
        if (!isRejected(settlement)) learn(posted);
        listeners.emit(settlement, event);
        resolve(settlement);
      });
    });
  }

  /** Sends an event. What the connector says on its own account is observed and not listened to. */
  function submit(
    event: Envelope,
    requestOptions?: RequestOptions,
    onSettled?: (settlement: Settlement, posted: Envelope) => void,
  ): void {
    const { signal, timeoutMs } = requestOptions ?? {};
    const askedAt = performance.now();
    const asked = peek(event);
    let posted = event;
    let opened: OpenRequest | undefined;

    function settle(settlement: Settlement): void {
      signal?.removeEventListener?.("abort", abort);
      record({ kind: "settled", event: posted, settlement, durationMs: performance.now() - askedAt });
      if (!isRejected(settlement)) learn(settlement);
      onSettled?.(asked.id === undefined ? withoutId(settlement) : settlement, posted);
    }

    function abort(): void {
      const id = opened?.isSent() && posted.meta?.id;
      opened?.refuse("ABORTED", `${asked.type} was aborted`);
      if (id) submit({ type: CANCEL, payload: { id } });
    }

    try {
      const request = admit(event, timeoutMs);
      if (signal && !signal.addEventListener) throw invalidRequest("signal", "an AbortSignal");
      if (signal?.aborted) throw new Refusal("ABORTED", `${asked.type} was aborted`);
      const { id } = request.meta;
      posted = request;
      // Its frame may have been removed in this very task, and what is asked after that goes to a new one.
      if (state === "ready") link.look();
      opened = openRequest(request, surroundings, (settlement) => {
        inFlight.delete(id);
        settle(settlement);
      });
      inFlight.set(id, opened);
      signal?.addEventListener("abort", abort);
      if (state === "ready") opened.send();
      else {
        opened.wait();
        link.seek();
      }
    } catch (reason) {
      if (!(reason instanceof Refusal)) reportError(reason);
      settle(refused(asked, reason));
    }
  }

  /** Checks an event and completes it to what is posted. @throws {Refusal} where it cannot be sent. */
  function admit(event: Envelope, timeoutMs: number | undefined): PostedRequest {
    if (state === "closed") throw new Refusal(...DESTROYED);
    const checked = readEvent(event);
    const { type, meta } = checked;
    // The widget accepts these two beyond the limit, by their `bypassesLimit` in the contract.
    if (inFlight.size >= MAX_IN_FLIGHT && type !== REGISTER && type !== CANCEL) {
      throw new Refusal("OVERLOADED", `${MAX_IN_FLIGHT} requests are in flight`);
    }
    ids += 1;
    const id = meta?.id ?? `${idPrefix}-${ids}`;
    if (inFlight.has(id)) throw invalidRequest("meta.id", "an id not in flight");
    const life = readTimeout(timeoutMs ?? meta?.timeoutMs ?? defaultLifeMs, "timeoutMs");
    return { ...checked, meta: { ...meta, id, timeoutMs: life } };
  }

  async function request(type: string, payload: unknown, requestOptions?: RequestOptions): Promise<unknown> {
    const event = { type, payload };
    const settlement = await dispatch(event, requestOptions);
    if (!isRejected(settlement)) return settlement.payload;
    const error = toBusError(event, settlement);
    // By whom else it was aborted, such as a `BUS.CANCEL` of the page's own, there is no reason to throw.
    throw error.code === "ABORTED" && requestOptions?.signal?.aborted ? requestOptions.signal.reason : error;
  }

  function destroy(): void {
    if (state === "closed") return;
    changeState("closed");
    for (const request of inFlight.values()) request.refuse(...DESTROYED);
    readiness.reject(...DESTROYED);
    pageToken?.close();
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
    on: (type: string, listener: EventListener) =>
      listeners.add((event, asked) => {
        if (type === "*" || type === event.type) listener(event, asked);
      }),
    onStateChange: (listener) =>
      observers.add((happened) => {
        if (happened.kind === "state") listener(happened.state);
      }),
    observe: observers.add,
    watch: watches.watch,
    destroy,
  };
}

const DESTROYED = ["CONNECTION_CLOSED", "The connector was destroyed"] as const;

/** A settlement as it would be, had the connector not named its request. */
function withoutId({ type, payload, meta }: Settlement): Settlement {
  const { id: _id, ...others } = meta ?? {};
  return { type, payload, ...(others.source && { meta: others }) } as Settlement;
}
