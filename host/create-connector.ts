import type { EventTraits } from "../shared/contracts/contract.ts";
import {
  DEFAULT_TIMEOUT_MS,
  type Envelope,
  isRejected,
  MAX_IN_FLIGHT,
  type ParsedEvent,
  parseEvent,
  parseTimeout,
  readRequestRef,
  type Settlement,
  toFulfilled,
  toRejected,
} from "../shared/protocol/envelope.ts";
import { toBusError } from "../shared/protocol/errors.ts";
import { BridgeRejectionError, invalidRequestError } from "../shared/protocol/rejection.ts";
import { createTimerQueue } from "../shared/runtime/timer-queue.ts";
import type { ConnectionEvents, FrameConnection } from "./connection/frame-connection.ts";
import type { Connector, ConnectorEvent, ConnectorRecord, ConnectorState, RequestOptions } from "./connector.ts";
import type { EventListener, RequestType } from "./event-types.ts";
import { createListeners, type Unsubscribe } from "./listeners.ts";
import { createPendingRequest, type PendingRequest, type PostedRequest } from "./request/pending-request.ts";
import { createReadyPromise } from "./request/ready-promise.ts";
import type { Timeouts } from "./request/timeouts.ts";
import { createTokenProvider, FETCH_TOKEN, type FetchToken } from "./token/token-provider.ts";
import { createWatchList } from "./watch/watch-list.ts";

export interface CreateConnectorOptions {
  /** Opens the connection to the widget. */
  readonly open: (events: ConnectionEvents) => FrameConnection;
  /** Registration of the page, sent after each handshake. */
  readonly registration: { readonly origin: string; readonly appName: string; readonly release: string };
  /** Message of the rejection if no widget connects: the likely causes. */
  readonly unavailable: string;
  readonly timeouts: Pick<Timeouts, "timeoutMs" | "handshakeTimeoutMs">;
  /** The page's function that returns a token. Absent if the widget needs no token. */
  readonly fetchToken?: FetchToken | undefined;
  /** Called once by `destroy()`, after everything has settled. */
  readonly onDestroy: () => void;
}

const REGISTER: RequestType = "BUS.REGISTER";
const CANCEL: RequestType = "BUS.CANCEL";

/** Creates a connector over a connection. Depends on neither the DOM nor penpal. */
export function createConnector(options: CreateConnectorOptions): Connector {
  const { unavailable, timeouts, fetchToken } = options;
  const { timeoutMs: defaultTimeoutMs, handshakeTimeoutMs } = timeouts;
  const inFlight = new Map<string, PendingRequest>();
  /** Rejections of requests that could not be sent, each due in a task of its own. */
  const rejections = new Set<() => void>();
  const observers = createListeners<[ConnectorRecord]>();
  const listeners = createListeners<[Envelope, Envelope?]>();
  // Random, so that two connectors never share an id. `randomUUID` is missing on pages served without TLS.
  const idPrefix = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let lastId = 0;
  const clock = createTimerQueue();
  const ready = createReadyPromise();
  const tokenProvider = fetchToken && createTokenProvider(fetchToken, clock);
  let state: ConnectorState = "connecting";
  /** Traits of events, from the latest response to `BUS.REGISTER`. Undefined before the first response. */
  let traits: Partial<EventTraits> | undefined;
  /** Requests that the widget knows, from the latest response to `BUS.REGISTER`. */
  let knownTypes: unknown;
  /** Requests that a widget has lost before the first response: the next response says whether they may be sent again. */
  const undecided = new Set<PendingRequest>();
  const watchList = createWatchList({
    clock,
    state: () => state,
    knowsRequest: (type) => [knownTypes].flat().includes(type),
    sendRequest,
  });

  const connection = options.open({
    clock,
    receive: handleMessage,
    hasPendingWork,
    isWatching: watchList.isActive,
    isWanted: () => hasPendingWork() || watchList.isActive() || !observers.isEmpty(),
    onConnected,
    onPageResumed: watchList.checkWidget,
    onDisconnected,
  });
  const requestContext = { clock, handshakeTimeoutMs, unavailable, post };
  const cancelHandshakeTimer = clock.schedule(handshakeTimeoutMs, () =>
    ready.reject(new BridgeRejectionError("WIDGET_UNAVAILABLE", unavailable)),
  );

  function hasPendingWork(): boolean {
    return ready.isPending() || inFlight.size > 0;
  }

  function onConnected(): void {
    // A pending timer would keep an unused connector from being garbage-collected.
    cancelHandshakeTimer();
    changeState("ready");
    ready.resolve();
    // Registers first, so that the traits arrive before the settlement of a later request. A listener of the state, or an
    // observer of a sent event, may have destroyed the connector.
    if (state === "ready") {
      sendRequest({ type: REGISTER, payload: options.registration }, undefined, ({ payload }) => {
        // The widget was lost with the request: the next one answers.
        if (state !== "ready") return;
        traits = Object(payload).traits ?? traits ?? {};
        knownTypes = Object(payload).events;
        for (const request of undecided) resume(request);
      });
    }
    for (const request of inFlight.values()) {
      if (state === "ready" && !request.isSent() && !undecided.has(request)) request.send();
    }
    watchList.resubscribe();
  }

  function onDisconnected(reason?: BridgeRejectionError): void {
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
    } else if (state === "ready") request.send();
  }

  function hasTrait(trait: keyof EventTraits, type: string): boolean {
    // The widget's list is not validated: `flat` turns even a single value into a list.
    return [traits?.[trait]].flat().includes(type);
  }

  /** Updates the watch list from an announcement or a fulfilled settlement. */
  function learn(event: Envelope): void {
    watchList.handleEvent(event, hasTrait("availabilities", event.type));
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

  function post(event: PostedRequest): Promise<unknown> {
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
      if (requestRef.type === FETCH_TOKEN || requestRef.id || announcement.meta?.timeoutMs)
        return toFulfilled(requestRef, await handleHostRequest(announcement));
      record({ kind: "announced", event: announcement });
      learn(announcement);
      listeners.emit(announcement);
      return undefined;
    } catch (error) {
      return toRejected(requestRef, error);
    }
  }

  /** Handles a request to the page. Listeners and observers do not receive the request: a response may contain a token. */
  function handleHostRequest({ type, meta }: ParsedEvent): Promise<unknown> {
    if (tokenProvider && type === FETCH_TOKEN) return tokenProvider.fetch(meta?.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    throw new BridgeRejectionError("UNKNOWN_EVENT", `${type} is unknown to this page`);
  }

  function dispatch(event: Envelope, requestOptions?: RequestOptions): Promise<Settlement> {
    return new Promise((resolve) => {
      sendRequest(event, requestOptions, (settlement, sentEvent) => {
        if (!isRejected(settlement)) watchList.handlePageRequest(sentEvent);
        listeners.emit(settlement, event);
        resolve(settlement);
      });
      watchList.handlePageDispatch(event);
    });
  }

  /** Sends an event. Requests of the connector itself reach observers, but not listeners. */
  function sendRequest(
    event: Envelope,
    requestOptions?: RequestOptions,
    onSettled?: (settlement: Settlement, sentEvent: Envelope) => void,
  ): void {
    const { signal, timeoutMs } = requestOptions ?? {};
    const startedAt = performance.now();
    const requestRef = readRequestRef(event);
    let sentEvent = event;
    let pending: PendingRequest | undefined;

    function settle(settlement: Settlement): void {
      signal?.removeEventListener?.("abort", abort);
      record({ kind: "settled", event: sentEvent, settlement, durationMs: performance.now() - startedAt });
      if (!isRejected(settlement)) learn(settlement);
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
      if (state === "ready") connection.detectFrameMove();
      const request = prepareRequest(event, timeoutMs);
      if (signal && !signal.addEventListener) throw invalidRequestError("signal", "an AbortSignal");
      if (signal?.aborted) throw new BridgeRejectionError("ABORTED", `${requestRef.type} was aborted`);
      const { id } = request.meta;
      sentEvent = request;
      pending = createPendingRequest(request, requestContext, (settlement) => {
        inFlight.delete(id);
        settle(settlement);
      });
      inFlight.set(id, pending);
      signal?.addEventListener("abort", abort);
      if (state === "ready") pending.send();
      else {
        pending.enqueue();
        connection.ensureConnecting();
      }
    } catch (reason) {
      if (!(reason instanceof BridgeRejectionError)) reportError(reason);
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
    const resolvedTimeoutMs = parseTimeout(timeoutMs ?? meta?.timeoutMs ?? defaultTimeoutMs, "timeoutMs");
    return { ...checked, meta: { ...meta, id, timeoutMs: resolvedTimeoutMs } };
  }

  async function request(type: string, payload: unknown, requestOptions?: RequestOptions): Promise<unknown> {
    const event = { type, payload };
    const settlement = await dispatch(event, requestOptions);
    if (!isRejected(settlement)) return settlement.payload;
    const error = toBusError(event, settlement);
    // If a `BUS.CANCEL` of the page aborted the request, the signal has no reason to throw.
    throw error.code === "ABORTED" && requestOptions?.signal?.aborted ? requestOptions.signal.reason : error;
  }

  /** Adds an observer. An observer of the state waits for a widget, so the connection tries again. */
  function observe(observer: (record: ConnectorRecord) => void): Unsubscribe {
    const unsubscribe = observers.add(observer);
    connection.ensureConnecting();
    return unsubscribe;
  }

  function destroy(): void {
    if (state === "closed") return;
    changeState("closed");
    for (const request of inFlight.values()) request.reject(destroyedError());
    // A listener may send another request, which is rejected later.
    const due = [...rejections];
    for (const reject of due) reject();
    ready.reject(destroyedError());
    tokenProvider?.close();
    connection.close();
    clock.clear();
    options.onDestroy();
  }

  return {
    ready: ready.promise,
    get state() {
      return state;
    },
    // Wire data gets its types here: the widget validates requests and responses against the contract.
    dispatch,
    request: request as Connector["request"],
    on: (type: string, listener: EventListener) =>
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
      await request("AUTH.REFRESH_TOKEN", undefined);
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
