import type { EventTraits } from "../shared/contracts/contract.ts";
import {
  DEFAULT_TIMEOUT_MS,
  type Envelope,
  isRejected,
  MAX_IN_FLIGHT,
  parseEvent,
  parseTimeout,
  readRequestRef,
  type Settlement,
  toFulfilled,
  toRejected,
} from "../shared/protocol/envelope.ts";
import { ConnectionError, toBusError } from "../shared/protocol/errors.ts";
import { BridgeRejectionError, invalidRequestError } from "../shared/protocol/rejection.ts";
import { createTimerQueue } from "../shared/runtime/timer-queue.ts";
import type { ConnectionNeed, OpenConnection } from "./connection/frame-connection.ts";
import type { Connector, ConnectorEvent, ConnectorRecord, ConnectorState, RequestOptions } from "./connector.ts";
import type { EventListener, RequestType } from "./event-types.ts";
import { createListeners, type Unsubscribe } from "./listeners.ts";
import { reportPageError } from "./report-page-error.ts";
import { createPendingRequest, type PendingRequest, type PostedRequest } from "./request/pending-request.ts";
import type { Timeouts } from "./request/timeouts.ts";
import { createTokenProvider, FETCH_TOKEN, type FetchToken } from "./token/token-provider.ts";
import { createWatchList } from "./watch/watch-list.ts";

/** Payload of `BUS.REGISTER`, which the connector sends after each handshake. */
export interface PageRegistration {
  readonly origin: string;
  readonly appName: string;
  readonly release: string;
}

const REGISTER: RequestType = "BUS.REGISTER";
const CANCEL: RequestType = "BUS.CANCEL";
const REFRESH_TOKEN: RequestType = "AUTH.REFRESH_TOKEN";

/**
 * Creates a connector over a connection. Depends on neither the DOM nor penpal.
 *
 * @param open Opens the connection to the widget.
 * @param page Registration of the page.
 * @param look Theme and language of the page, in the form of `meta.look`.
 * @param describeUnavailable Returns the message of the rejection if no widget connects. Must not throw.
 * @param fetchToken The page's function that returns a token. `undefined` if the widget needs no token.
 * @param onDestroy Called once by `destroy()`, after everything has settled.
 */
export function createConnector(
  open: OpenConnection,
  page: PageRegistration,
  look: string,
  describeUnavailable: () => string,
  timeouts: Pick<Timeouts, "timeoutMs" | "handshakeTimeoutMs">,
  fetchToken: FetchToken | undefined,
  onDestroy: () => void,
): Connector {
  const registration = { type: REGISTER, payload: page, meta: { hasToken: !!fetchToken, look } };
  const inFlight = new Map<string, PendingRequest>();
  /** Rejections of requests that could not be sent, each due in a task of its own. */
  const rejections = new Set<() => void>();
  const observers = createListeners<[ConnectorRecord]>();
  const listeners = createListeners<[Envelope, Envelope?]>();
  // Random, so that two connectors never share an id. With the time, so that a page with a variable `performance` gets its error here, before
  // there is an iframe.
  const idPrefix = performance.now() + Math.random();
  let lastId = 0;
  const clock = createTimerQueue();
  /** Settles `ready`. Undefined once it has settled. */
  let settleReady: ((error?: BridgeRejectionError) => void) | undefined;
  const ready = new Promise<void>((resolve, reject) => {
    settleReady = (error) => {
      settleReady = undefined;
      if (error) reject(new ConnectionError(error.message, error.rejection));
      else resolve();
    };
  });
  // Without a handler, a page that does not await `ready` would log an unhandled rejection.
  ready.catch(() => {});
  const tokenProvider = fetchToken && createTokenProvider(fetchToken, clock);
  let state: ConnectorState = "connecting";
  /** Traits of events, from the latest response to `BUS.REGISTER`. Undefined before the first response. */
  let traits: Partial<EventTraits> | undefined;
  /** The rejection of `BUS.REGISTER`, until a widget fulfils it. */
  let refusal: Settlement | undefined;
  /** Requests that a widget has lost before the first response: the next response says whether they may be sent again. */
  const undecided = new Set<PendingRequest>();
  const watchList = createWatchList({
    clock,
    state: () => state,
    sendRequest(event, requestOptions, onSettled) {
      // No timer of its own: the watch list is the one that needs the traits, and repeats what was rejected.
      if (refusal && state === "ready") register();
      // Without traits the connector would not find the availabilities in the answer, nor in later announcements.
      sendRequest(event, requestOptions, (settlement) => {
        learn(settlement);
        onSettled(refusal ?? settlement);
      });
    },
  });

  const connection = open(clock, handleMessage, getNeed, onConnected, watchList.checkWidget, onLost, post);
  const cancelHandshakeTimer = clock.schedule(timeouts.handshakeTimeoutMs, () =>
    settleReady?.(new BridgeRejectionError("WIDGET_UNAVAILABLE", describeUnavailable())),
  );

  function getNeed(isHidden: boolean): ConnectionNeed {
    if (inFlight.size || settleReady) return "request";
    if (isHidden) return undefined;
    if (watchList.isActive()) return "watch";
    return observers.isEmpty() ? undefined : "state";
  }

  function onConnected(): void {
    // A pending timer would keep an unused connector from being garbage-collected.
    cancelHandshakeTimer();
    changeState("ready");
    settleReady?.();
    // Registers first, so that the traits arrive before the settlement of a later request. A listener of the state, or an
    // observer of a sent event, may have destroyed the connector.
    if (state === "ready") register();
    for (const request of inFlight.values()) {
      if (state === "ready" && !request.isSent() && !undecided.has(request)) request.send();
    }
    watchList.resubscribe();
  }

  /** Registers the page. The watch list has every answer as rejected from a rejection on until a widget has registered the page. */
  function register(): void {
    sendRequest(registration, undefined, (settlement) => {
      // The widget was lost with the request: the next one answers.
      if (state !== "ready") return;
      if (isRejected(settlement)) {
        if (!refusal) reportPageError(toBusError(registration, settlement));
        refusal = settlement;
      } else {
        refusal = undefined;
        traits = Object(settlement.payload).traits ?? traits ?? {};
      }
      for (const request of undecided) resume(request);
    });
  }

  function onLost(reason?: BridgeRejectionError): void {
    const wasReady = state === "ready";
    if (wasReady) changeState("reconnecting");
    const requests = [...inFlight.values()];
    for (const request of requests) {
      if (reason) request.reject(reason);
      else if (request.isSent()) {
        request.enqueue();
        if (traits || request.type === REGISTER) resume(request);
        else undecided.add(request);
      }
    }
    // Once per lost widget: if no widget can be mounted, the next attempt fails at once.
    if (wasReady) watchList.resubscribe();
  }

  /** Goes on with a request that a widget has lost: sends it to the next widget, or rejects it if it may not be sent twice. */
  function resume(request: PendingRequest): void {
    undecided.delete(request);
    if (!hasTrait("idempotent", request.type)) {
      request.reject(new BridgeRejectionError("CONNECTION_CLOSED", `${request.type} was lost with its widget`));
    } else if (state === "ready") {
      request.send();
      // The widget handles this request after the watch list's own.
      watchList.handlePageDispatch(request);
    }
  }

  function hasTrait(trait: keyof EventTraits, type: string): boolean {
    // The widget's list is not validated: `flat` turns even a single value into a list.
    return [traits?.[trait]].flat().includes(type);
  }

  /** Updates the watch list from an announcement or a settlement; the type of a rejection carries no availabilities. */
  function learn(event: Envelope, isPageRequest?: boolean): void {
    watchList.handleEvent(event, hasTrait("availabilities", event.type), isPageRequest);
  }

  function record(event: ConnectorEvent): void {
    if (!observers.isEmpty()) observers.emit({ at: Date.now(), ...event });
  }

  /** Enters a state. `closed` is final, whatever a listener does. */
  function changeState(next: ConnectorState): void {
    if (state === "closed") return;
    state = next;
    record({ kind: "state", state });
  }

  function post(event: Envelope): Promise<unknown> {
    record({ kind: "sent", event });
    return connection.post(event);
  }

  /**
   * Handles an event of the widget. The token request, and every other event with a `meta.id` or a `meta.timeoutMs`, expects a
   * settlement; an event with neither is an announcement and gets none.
   */
  async function handleMessage(event: unknown): Promise<Settlement | undefined> {
    const requestRef = readRequestRef(event);
    try {
      if (state === "closed") throw destroyedError();
      const announcement = parseEvent(event);
      const { type, meta } = announcement;
      // Listeners and observers do not receive a request: the response may contain a token.
      if (tokenProvider && type === FETCH_TOKEN)
        return toFulfilled(requestRef, await tokenProvider.fetch(meta?.timeoutMs ?? DEFAULT_TIMEOUT_MS));
      if (type === FETCH_TOKEN || meta?.id || meta?.timeoutMs)
        throw new BridgeRejectionError("UNKNOWN_EVENT", `${type} is unknown to this page`);
      record({ kind: "announced", event: announcement });
      learn(announcement);
      listeners.emit(announcement);
      return undefined;
    } catch (error) {
      return toRejected(requestRef, error);
    }
  }

  function dispatch(event: Envelope, requestOptions?: RequestOptions): Promise<Settlement> {
    return new Promise((resolve) => {
      sendRequest(event, requestOptions, (settlement, sentEvent) => {
        learn(settlement, true);
        if (!isRejected(settlement)) watchList.handlePageRequest(sentEvent);
        resolve(settlement);
        listeners.emit(settlement, event);
      });
      watchList.handlePageDispatch(readRequestRef(event));
    });
  }

  /** Sends an event. Requests of the connector itself reach observers, but not listeners. */
  function sendRequest(
    event: Envelope,
    requestOptions?: RequestOptions,
    onSettled?: (settlement: Settlement, sentEvent: Envelope) => void,
  ): void {
    const signal = requestOptions?.signal;
    const startedAt = performance.now();
    const requestRef = readRequestRef(event);
    let sentEvent = event;
    let pending: PendingRequest | undefined;

    function settle(settlement: Settlement): void {
      signal?.removeEventListener?.("abort", abort);
      record({ kind: "settled", event: sentEvent, settlement, durationMs: performance.now() - startedAt });
      onSettled?.(requestRef.id === undefined ? withoutId(settlement) : settlement, sentEvent);
    }

    function abort(): void {
      const id = pending?.isSent() && sentEvent.meta?.id;
      pending?.reject(new BridgeRejectionError("ABORTED", `${requestRef.type} was aborted`));
      if (id) sendRequest({ type: CANCEL, payload: { id } });
    }

    try {
      // The iframe may have been removed in the current task: the request then goes to a new iframe. A listener of the loss may
      // have destroyed the connector; `prepareRequest` checks for a destroyed connector.
      if (state === "ready") connection.checkFrame();
      const request = prepareRequest(event, requestOptions?.timeoutMs);
      if (signal && !signal.addEventListener) throw invalidRequestError("signal", "an AbortSignal");
      if (signal?.aborted) throw new BridgeRejectionError("ABORTED", `${requestRef.type} was aborted`);
      const id = request.meta.id;
      sentEvent = request;
      pending = createPendingRequest(
        request,
        clock,
        timeouts.handshakeTimeoutMs,
        describeUnavailable,
        post,
        (settlement) => {
          inFlight.delete(id);
          settle(settlement);
        },
      );
      inFlight.set(id, pending);
      signal?.addEventListener("abort", abort);
      if (request.type === REFRESH_TOKEN) tokenProvider?.forget();
      if (state === "ready") pending.send();
      else {
        pending.enqueue();
        connection.connect();
        // Beside the load of the iframe: the widget asks as soon as it is connected.
        tokenProvider?.prefetch();
      }
    } catch (reason) {
      if (!(reason instanceof BridgeRejectionError)) reportPageError(reason);
      rejectLater(() => (pending ? pending.reject(reason) : settle(toRejected(requestRef, reason))));
    }
  }

  /** Rejects in a task of its own, not only in a microtask: a caller that sends again at once would stop the page. */
  function rejectLater(reject: () => void): void {
    const rejectOnce = (): void => {
      if (rejections.delete(rejectOnce)) reject();
    };
    rejections.add(rejectOnce);
    setTimeout(rejectOnce);
  }

  /** Validates an event, and adds an id and a timeout. @throws {BridgeRejectionError} when the event cannot be sent. */
  function prepareRequest(event: Envelope, timeoutMs: number | undefined): PostedRequest {
    if (state === "closed") throw destroyedError();
    const checked = parseEvent(event);
    const { type, meta } = checked;
    // The widget accepts both types beyond the limit, by `bypassesLimit` in the contract.
    if (inFlight.size >= MAX_IN_FLIGHT && type !== REGISTER && type !== CANCEL) {
      throw new BridgeRejectionError("OVERLOADED", `${MAX_IN_FLIGHT} requests are in flight`);
    }
    lastId += 1;
    const id = meta?.id ?? `${idPrefix}-${lastId}`;
    if (inFlight.has(id)) throw invalidRequestError("meta.id", "an id not in flight");
    const resolvedTimeoutMs = parseTimeout(timeoutMs ?? meta?.timeoutMs ?? timeouts.timeoutMs, "timeoutMs");
    return { ...checked, meta: { ...meta, id, timeoutMs: resolvedTimeoutMs } };
  }

  async function request(type: string, payload: unknown, requestOptions?: RequestOptions): Promise<unknown> {
    const event = { type, payload };
    const settlement = await dispatch(event, requestOptions);
    if (!isRejected(settlement)) return settlement.payload;
    const error = toBusError(event, settlement);
    const signal = requestOptions?.signal;
    // If a `BUS.CANCEL` of the page aborted the request, the signal has no reason to throw. Before Chrome 98 no signal has one.
    throw error.code === "ABORTED" && signal?.aborted ? (signal.reason ?? error) : error;
  }

  /** Adds an observer. An observer of the state waits for a widget, so the connection tries again. */
  function observe(observer: (record: ConnectorRecord) => void): Unsubscribe {
    const unsubscribe = observers.add(observer);
    connection.connect();
    return unsubscribe;
  }

  function destroy(): void {
    if (state === "closed") return;
    changeState("closed");
    for (const request of inFlight.values()) request.reject(destroyedError());
    // A listener may send another request, which is rejected later.
    const due = [...rejections];
    for (const reject of due) reject();
    watchList.checkWidget();
    settleReady?.(destroyedError());
    tokenProvider?.close();
    connection.close();
    clock.clear();
    onDestroy();
  }

  return {
    ready,
    get state() {
      return state;
    },
    // Wire data gets its types here: the widget validates requests and responses against the contract.
    dispatch,
    request: request as Connector["request"],
    on: (type: string, listener: EventListener<Envelope>) =>
      listeners.add((event, request) => {
        if (type === "*" || type === event.type) listener(event, request);
      }),
    onStateChange: (listener) =>
      observe((event) => {
        if (event.kind === "state") listener(event.state);
      }),
    observe,
    watch: watchList.watch,
    get liveState() {
      return watchList.liveState();
    },
    onLiveChange: watchList.onLiveChange,
    async refreshToken() {
      await request(REFRESH_TOKEN, undefined);
      watchList.checkWidget();
    },
    destroy,
  };
}

function destroyedError(): BridgeRejectionError {
  return new BridgeRejectionError("CONNECTION_CLOSED", "The connector was destroyed", undefined, false);
}

/** Removes the generated id from a settlement: the caller's event had no id. */
function withoutId({ type, payload, meta }: Settlement): Settlement {
  const { id: _id, ...others } = meta ?? {};
  return { type, payload, ...(others.source && { meta: others }) } as Settlement;
}
