/**
 * List of the users that the page watches, and of the services that the page has started. The list outlives the widget:
 * the connector sends the list again after a reload.
 *
 * Each user has an outcome: none before the first answer, `live` with an availability, or the reason for having none. A user
 * with the outcome `live` has the status `stale` while the connection is lost or no changes reach the widget.
 */
import { type Envelope, isRejected, type Settlement } from "../../shared/protocol/envelope.ts";
import { type BusError, ContractError, toBusError } from "../../shared/protocol/errors.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { Connector, ConnectorState, LiveState, WatchStatus } from "../connector.ts";
import type { RequestType, WatchedAvailability } from "../event-types.ts";
import { createListeners, notifyEach, type Unsubscribe } from "../listeners.ts";

export interface WatchListOptions {
  readonly clock: TimerQueue;
  readonly state: () => ConnectorState;
  /** True if the connected widget knows a type of request. */
  readonly knowsRequest: (type: RequestType) => boolean;
  /** Sends a request of the connector itself. Starts to connect if no widget is connected. */
  readonly sendRequest: (
    event: { readonly type: RequestType; readonly payload: unknown },
    options: { readonly signal: AbortSignal },
    onSettled?: (settlement: Settlement) => void,
  ) => void;
}

export interface WatchList extends Pick<Connector, "watch" | "onLiveChange"> {
  liveState(): LiveState;
  /** True while the page watches a user or has started a service. */
  isActive(): boolean;
  /**
   * Handles an announcement or a fulfilled settlement. `carriesAvailabilities` is true if the payload is an availability, or an
   * object of availabilities by user id.
   */
  handleEvent(event: Envelope, carriesAvailabilities: boolean): void;
  /** Handles a request of the page that has just been sent. */
  handlePageDispatch(event: Envelope): void;
  /** Handles a fulfilled request of the page. */
  handlePageRequest(event: Envelope): void;
  /** Sends the watch list again: the connection was lost, or a new widget has connected. */
  resubscribe(): void;
  /**
   * Sends a request although nothing has changed, because the widget may have crashed unnoticed: the request starts the
   * heartbeat. Requests failed users again.
   */
  checkWidget(): void;
}

type WatchListener = (...news: WatchNews) => void;

/** The availability and the status of a user, as far as they are known. */
type WatchNews = [availability: WatchedAvailability | undefined, status: WatchStatus | undefined];

interface WatchedUser {
  /** Listeners of availabilities and of statuses. Each ignores what it has received before. */
  readonly listeners: Set<WatchListener>;
  /** Latest availability of the user. */
  latest: WatchedAvailability | undefined;
  /** Time of receiving the latest availability, on the monotonic clock. */
  receivedAt: number;
  /** Highest version of the user so far, and of the user's removal. */
  version: number;
  /** True if the widget has fulfilled a request for the user. */
  isAnswered?: boolean;
  outcome?: Pick<WatchStatus, "status" | "error">;
}

const WATCH = "API.WATCH_AVAILABILITIES";
const CHANGE = "API.CHANGE_WATCHED_USERS";

/** Codes of rejections by a widget that has taken the list over. After another code the widget may not have received it. */
const TAKEN_OVER: readonly unknown[] = [
  "BACKEND_UNREACHABLE",
  "BACKEND_TIMEOUT",
  "TOKEN_UNAVAILABLE",
  "INVALID_RESPONSE",
];

/**
 * Codes and statuses after which no repetition helps. After the removal of the iframe there is none either: a timer would keep an
 * unused connector in memory.
 */
const FINAL: readonly unknown[] = ["INVALID_REQUEST", "UNKNOWN_EVENT", "CONNECTION_CLOSED", 401, 403];

/** Maximum number of watched users, as in the contract. */
const MAX_WATCHED = 5_000;

/** Maximum length of the user ids in a request, in characters: a request has at most 64 KiB. */
const MAX_IDS_LENGTH = 60_000;

/** Creates an empty watch list for a connector. */
export function createWatchList({ clock, state, knowsRequest, sendRequest }: WatchListOptions): WatchList {
  const users = new Map<number, WatchedUser>();
  const services = new Set<unknown>();
  const liveListeners = createListeners<[LiveState]>();
  /** Users that the page has listed by dispatching `API.WATCH_AVAILABILITIES` directly. */
  let pageUserIds: readonly number[] = [];
  /** Users that the widget watches; `undefined` if that is unknown, as for a new widget. */
  let sentUserIds: Set<number> | undefined;
  /** True if the widget has started the services. */
  let hasSentServices = false;
  let pendingSync: AbortController | undefined;
  let cancelRetry: (() => void) | undefined;
  let isScheduled = false;
  /** True after a failure, until a retry or a change of the list. */
  let isPaused = false;
  /** True if a widget has fulfilled a request for announcements. */
  let isStarted = false;
  /** Time since which the connection or the session is lost, in milliseconds since 1970. */
  let lostSince: number | undefined;
  /** Time since which no changes reach the widget, in milliseconds since 1970. */
  let staleSince: number | undefined;
  let lastState: LiveState = "idle";

  function liveState(): LiveState {
    if (!isStarted || !(users.size + services.size + pageUserIds.length)) return "idle";
    return (lostSince ?? staleSince) === undefined ? "live" : "stale";
  }

  /** Batches all changes of a task into a single request. */
  function scheduleSync(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      if (state() === "closed") return;
      for (const [userId, user] of users) {
        // Not in `unsubscribe`: a moved badge subscribes again in the current task and needs the latest availability.
        if (!user.listeners.size) users.delete(userId);
      }
      syncWidget();
      notifyAll();
    });
  }

  function syncWidget(isForced?: boolean): void {
    // A single request at a time: the settlement calls `syncWidget` again.
    if (isPaused || (pendingSync && state() === "ready")) return;
    // A queued request is replaced.
    pendingSync?.abort();
    pendingSync = undefined;
    const wanted = new Set([...pageUserIds, ...users.keys()].slice(0, MAX_WATCHED));
    for (const [userId, user] of users) if (!wanted.has(userId)) rejectUser(user);
    const added = [...wanted].filter((userId) => !sentUserIds?.has(userId) || users.get(userId)?.isAnswered === false);
    const removed = [...(sentUserIds ?? [])].filter((userId) => !wanted.has(userId));
    const starting = hasSentServices ? [] : [...services];
    if (!(added.length + removed.length + starting.length) && !(isForced && wanted.size + services.size)) return;
    const isChange = sentUserIds && knowsRequest(CHANGE);
    let length = 0;
    const userIds = (isChange ? added : [...wanted]).filter(
      (userId) => (length += `${userId},`.length) < MAX_IDS_LENGTH,
    );
    // A user that joins before the answer is applied is requested once more.
    const asked = userIds.map((userId) => [userId, users.get(userId)] as const);
    const controller = new AbortController();
    pendingSync = controller;
    const send = (
      type: RequestType,
      payload: unknown,
      onSettled = (_error?: BusError, _payload?: unknown) => {},
    ): void => {
      const event = { type, payload };
      sendRequest(event, controller, (settlement) => {
        if (controller.signal.aborted) return;
        const error = isRejected(settlement) ? toBusError(event, settlement) : undefined;
        if (error) pause(error);
        onSettled(error, settlement.payload);
      });
    };

    if (starting.length) send("BUS.INIT", { services: starting }, (error) => (hasSentServices ||= !error));
    send(
      isChange ? CHANGE : WATCH,
      { variables: isChange ? { added: userIds, removed } : { userIds } },
      (error, payload) => {
        pendingSync = undefined;
        sentUserIds = new Set(isChange ? [...(sentUserIds ?? []), ...userIds] : userIds);
        if (isChange) for (const userId of removed) sentUserIds.delete(userId);
        if (error?.code && !TAKEN_OVER.includes(error.code)) sentUserIds = undefined;
        if (!error) {
          isStarted = true;
          lostSince = undefined;
        }
        // An older widget takes a single list: the users beyond its length are never watched.
        if (!isChange && !knowsRequest(CHANGE)) {
          for (const userId of wanted) if (!sentUserIds?.has(userId)) rejectUser(users.get(userId));
          if (sentUserIds) sentUserIds = wanted;
        }
        for (const [userId, user] of asked) if (user) settleUser(user, error, Object(payload)[userId]);
        syncWidget();
        notifyAll();
      },
    );
  }

  function settleUser(user: WatchedUser, error: BusError | undefined, answer: unknown): void {
    user.isAnswered = !error;
    if (error) {
      const { status } = error;
      user.outcome = {
        status: status === 401 ? "session-expired" : status === 403 ? "not-allowed" : "error",
        error,
      };
    } else if (answer && user.latest) user.outcome = { status: "live" };
    else {
      const wasKnown = user.latest || user.outcome?.status === "removed";
      user.latest = undefined;
      user.outcome = { status: wasKnown ? "removed" : "unknown-user" };
    }
  }

  /** Reports a user beyond the limits of a page. */
  function rejectUser(user: WatchedUser | undefined): void {
    if (!user || user.outcome?.status === "error") return;
    user.isAnswered = true;
    const message = `userIds: expected up to ${MAX_WATCHED} user ids`;
    user.outcome = {
      status: "error",
      error: new ContractError(message, { code: "INVALID_REQUEST", retryable: false }),
    };
  }

  function pause({ code, status }: BusError): void {
    isPaused = true;
    if (FINAL.includes(code ?? status)) return;
    // Random between 4 s and 8 s, so that all pages do not return at once after an outage.
    cancelRetry ??= clock.schedule(8_000 * (1 - Math.random() / 2), () => {
      cancelRetry = undefined;
      restart();
    });
  }

  function restart(): void {
    isPaused = false;
    scheduleSync();
  }

  function resubscribe(): void {
    cancelRetry?.();
    cancelRetry = undefined;
    sentUserIds = undefined;
    hasSentServices = false;
    if (isStarted && state() !== "ready") {
      lostSince ??= staleSince ?? Date.now();
      staleSince = undefined;
    }
    restart();
  }

  function notifyAll(): void {
    for (const [userId, user] of users) notifyUser(userId, user);
    const next = liveState();
    if (next === lastState) return;
    lastState = next;
    liveListeners.emit(next);
  }

  function notifyUser(userId: number, { listeners, latest, receivedAt, outcome }: WatchedUser): void {
    const remainingSeconds = latest?.wrapUpTimeTtl;
    const since = lostSince ?? staleSince;
    const isStale = outcome?.status === "live" && since !== undefined;
    // No queue: a listener skips a version that is older than the listener's latest.
    notifyEach<WatchNews>(listeners, [
      latest && {
        ...latest,
        ...(remainingSeconds && {
          wrapUpTimeTtl: Math.max(0, Math.ceil(remainingSeconds - (performance.now() - receivedAt) / 1_000)),
        }),
      },
      outcome && (isStale ? { status: "stale", since, userId } : { ...outcome, userId }),
    ]);
  }

  /** Applies a newer availability of a watched user. The value is not validated: the widget may be newer than the connector. */
  function applyAvailability(value: unknown): void {
    const { userId, version } = Object(value);
    const user = users.get(userId);
    if (!user || !(version > user.version)) return;
    // The next session has begun: the widget may lack some users of the last one.
    if (user.outcome?.status === "session-expired") resubscribe();
    user.latest = value as WatchedAvailability;
    user.receivedAt = performance.now();
    user.version = version;
    user.outcome = { status: "live" };
    notifyUser(userId, user);
  }

  function watchUser(
    userId: number,
    listener: (availability: WatchedAvailability) => void,
    onStatus?: (status: WatchStatus) => void,
  ): Unsubscribe {
    const user = users.get(userId) ?? {
      listeners: new Set(),
      latest: undefined,
      receivedAt: 0,
      version: -1,
      isAnswered: false,
    };
    users.set(userId, user);
    let lastVersion = -1;
    let last: WatchStatus | undefined;
    const hear: WatchListener = (availability) => {
      if (!availability || availability.version <= lastVersion) return;
      lastVersion = availability.version;
      listener(availability);
    };
    const hearStatus: WatchListener = (_availability, status) => {
      if (!status || (status.status === last?.status && status.error === last.error)) return;
      last = status;
      onStatus?.(status);
    };
    user.listeners.add(hear).add(hearStatus);
    return () => {
      user.listeners.delete(hear);
      user.listeners.delete(hearStatus);
    };
  }

  return {
    isActive: () => users.size + pageUserIds.length + services.size > 0,
    liveState,
    onLiveChange: liveListeners.add,
    resubscribe,
    checkWidget() {
      isPaused = false;
      syncWidget(true);
    },
    watch(userIds, listener, { signal, onStatus } = {}) {
      const ids = ([] as number[]).concat(userIds);
      for (const userId of ids) {
        if (!Number.isSafeInteger(userId) || userId < 1) throw new TypeError("userId: expected a whole number from 1");
      }
      const offs = signal?.aborted ? [] : ids.map((userId) => watchUser(userId, listener, onStatus));
      const unwatch = (): void => {
        signal?.removeEventListener("abort", unwatch);
        for (const off of offs) off();
        restart();
      };
      signal?.addEventListener("abort", unwatch);
      restart();
      return unwatch;
    },
    handleEvent({ type, payload }, carriesAvailabilities) {
      // The payload is an availability, or an object of availabilities by user id.
      if (users.size && carriesAvailabilities) [payload, ...Object.values(Object(payload))].forEach(applyAvailability);
      const { userId, version, ageMs, state: widgetState } = Object(payload);
      const user = users.get(userId);
      if (type === "USER.AVAILABILITY_REMOVED" && user) {
        user.latest = undefined;
        user.version = version;
        user.outcome = { status: "removed" };
        notifyUser(userId, user);
      }
      if (type === "LIVE.STATE_CHANGED") {
        staleSince = widgetState === "stale" ? Date.now() - ageMs : undefined;
        notifyAll();
      }
      // Drops the availabilities of an expired session; the next session fetches every availability again.
      if (type === "AUTH.SESSION_EXPIRED") {
        for (const [, expired] of users) {
          expired.latest = undefined;
          expired.version = -1;
          expired.outcome = { status: "session-expired" };
        }
        lostSince ??= Date.now();
        staleSince = undefined;
        notifyAll();
      }
    },
    handlePageDispatch(event) {
      if (Object(event).type !== WATCH || !users.size) return;
      // The widget replaces its list even if it rejects the page's request: the connector sends the watched users again at once.
      for (const [, user] of users) user.isAnswered = false;
      pendingSync?.abort();
      pendingSync = undefined;
      restart();
    },
    handlePageRequest({ type, payload }) {
      // A request that the widget has fulfilled matches the contract.
      const { services: namedServices, variables } = Object(payload);
      if (type === "BUS.INIT") {
        for (const service of namedServices) services.add(service);
        hasSentServices = true;
        isStarted = true;
        notifyAll();
      }
      if (type === "BUS.DESTROY") for (const service of namedServices) services.delete(service);
      if (type === WATCH) {
        pageUserIds = variables.userIds;
        // An older widget knows one list only, and has that of the page or that of the connector.
        isStarted = true;
        sentUserIds = knowsRequest(CHANGE) || !users.size ? new Set([...pageUserIds, ...users.keys()]) : undefined;
        scheduleSync();
      }
    },
  };
}
