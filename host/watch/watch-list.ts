/**
 * List of the users that the page watches, and of the services that the page has started. The list outlives the widget:
 * the connector sends the list again after a reload. `watched-user.ts` has the states of one user.
 *
 *                       syncWidget: something differs
 *   settled ───────────────────────────────────────────────► asking
 *     ▲ ▲ ▲                                                   │ │ │
 *     │ │ └── finishAsking: fulfilled ────────────────────────┘ │ │
 *     │ └──── restart ─── waiting ◄── finishAsking: retryable ──┘ │
 *     └────── restart ─── refused ◄── finishAsking: final ────────┘
 *
 * `restart` follows each change of the list, a new widget, and the retry timer. A request that is queued for the next widget is
 * replaced: `asking` leads to `asking`.
 */
import type { UserError } from "../../shared/contracts/availability.ts";
import { type Envelope, isRejected, type Settlement } from "../../shared/protocol/envelope.ts";
import { type BusError, ConnectionError, ContractError, toBusError } from "../../shared/protocol/errors.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { Connector, ConnectorState, LiveState } from "../connector.ts";
import type { RequestType, WatchedAvailability } from "../event-types.ts";
import { createListeners } from "../listeners.ts";
import {
  addWatcher,
  applyAnswer,
  applyAvailability,
  createWatchedUser,
  enter,
  isCorrectionOf,
  notifyUser,
  rejectUser,
  type WatchedUser,
} from "./watched-user.ts";

export interface WatchListOptions {
  readonly clock: TimerQueue;
  readonly state: () => ConnectorState;
  /** Sends a request of the connector itself. Starts to connect if no widget is connected. */
  readonly sendRequest: (
    event: { readonly type: RequestType; readonly payload: unknown },
    options: { readonly signal: AbortSignal },
    onSettled: (settlement: Settlement) => void,
  ) => void;
}

export interface WatchList extends Pick<Connector, "watch" | "onLiveChange"> {
  liveState(): LiveState;
  /** True while the page watches a user or has started a service. */
  isActive(): boolean;
  /**
   * Handles an announcement or a settlement. `carriesAvailabilities` is true if the payload is an availability, or an object of
   * availabilities by user id. `isPageRequest` is true for the settlement of a request of the page's own.
   */
  handleEvent(event: Envelope, carriesAvailabilities: boolean, isPageRequest?: boolean): void;
  /** Handles a request of this type that the page has just sent, or that has just been sent to the next widget. */
  handlePageDispatch(request: Pick<Envelope, "type">): void;
  /** Handles a fulfilled request of the page. */
  handlePageRequest(event: Envelope): void;
  /** Sends the watch list again: the connection was lost, or a new widget has connected. */
  resubscribe(): void;
  /**
   * Sends a request although nothing has changed, because the widget may have crashed unnoticed: the request starts the
   * heartbeat. Requests failed users again. If the connector was destroyed, rejects every user, as each later watch.
   */
  checkWidget(): void;
}

/** State of the list towards the widget. `leave` ends what the state has begun: its requests, or its timer. */
type ListState =
  | { readonly name: "settled" | "refused"; readonly leave?: undefined }
  | { readonly name: "asking" | "waiting"; readonly leave: () => void };

const CHANGE = "API.CHANGE_WATCHED_USERS";

/** Types of requests that change the widget's list of watched users. */
const LISTS = ["API.WATCH_AVAILABILITIES", CHANGE];

/**
 * Codes and statuses after which no repetition helps, unless the error with the code says otherwise. After the removal of an iframe
 * that only the page can put back there is none either: a timer would keep an unused connector in memory.
 */
const FINAL: readonly unknown[] = ["INVALID_REQUEST", "UNKNOWN_EVENT", "CONNECTION_CLOSED", 401, 403];

/** Maximum number of watched users, as in the contract. */
const MAX_WATCHED = 5_000;

/** Maximum number of users in a request: a request has at most 64 KiB, and a user id up to 16 digits. */
const MAX_CHANGES = 3_500;

/** Creates an empty watch list for a connector. */
export function createWatchList({ clock, state, sendRequest }: WatchListOptions): WatchList {
  const users = new Map<number, WatchedUser>();
  const services = new Set<unknown>();
  const liveListeners = createListeners<[LiveState]>();
  /** Users that the page follows by requests of its own. */
  const pageUserIds = new Set<number>();
  /** Users that the widget may follow. True if the widget has fulfilled the latest request about the user. */
  const followed = new Map<number, boolean>();
  let list: ListState = { name: "settled" };
  /** True if the connected widget has started the services, or will never start them. */
  let hasServices = false;
  let isScheduled = false;
  /** True if a widget has fulfilled a request for announcements. */
  let isStarted = false;
  /** Time since which the connection is lost, in milliseconds since 1970. */
  let lostSince: number | undefined;
  /** Time since which the session has ended, in milliseconds since 1970. A widget without users to read ends no such time. */
  let expiredSince: number | undefined;
  /** Time since which no changes reach the widget, in milliseconds since 1970. */
  let staleSince: number | undefined;
  let lastState: LiveState = "idle";
  /** Error of every user once the connector was destroyed. */
  let closedError: BusError | undefined;

  /** Records that the widget may follow these users or not. */
  function distrust(userIds: Iterable<number>): void {
    for (const userId of userIds) followed.set(userId, false);
  }

  const isActive = (): boolean => users.size + services.size + pageUserIds.size > 0;

  /** Time since which changes may be missing. */
  const since = (): number | undefined => lostSince ?? expiredSince ?? staleSince;

  function liveState(): LiveState {
    if (state() === "closed" || !isStarted || !isActive()) return "idle";
    return since() ? "stale" : "live";
  }

  /** Ends what the state has begun. */
  function settle(): void {
    list.leave?.();
    list = { name: "settled" };
  }

  /** Leaves `waiting` and `refused`, and batches all changes of a task into a single request. */
  function restart(): void {
    if (list.name !== "asking") settle();
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      for (const [userId, user] of users) {
        // Not in `unsubscribe`: a page that replaces a listener in one task needs the latest availability.
        if (!user.watchers.length) users.delete(userId);
      }
      // No answer would end the loss of a page that has nothing to lose.
      if (!isActive()) lostSince = undefined;
      syncWidget();
      notifyAll();
    });
  }

  function syncWidget(isForced?: boolean): void {
    if (state() === "closed") {
      // One error for all, so that a later watch is no news for the other ones.
      const code = "CONNECTION_CLOSED";
      closedError ??= new ConnectionError("The connector was destroyed", { code, retryable: false });
      for (const [, user] of users) {
        enter(user, "error", -1, undefined, closedError);
      }
      return;
    }
    // Requests in flight are awaited. Without a widget they are queued, and replaced.
    if (list.name === "asking" && state() !== "ready") settle();
    if (list.name !== "settled") return;
    const wanted = new Set([...new Set([...pageUserIds, ...users.keys()])].slice(0, MAX_WATCHED));
    for (const [userId, user] of users) {
      // A user beyond the limits of a page.
      if (!wanted.has(userId) && user.status !== "error") {
        const message = `userIds: expected up to ${MAX_WATCHED} user ids`;
        rejectUser(user, new ContractError(message, { code: "INVALID_REQUEST", retryable: false }));
      }
    }
    const isAdded = (userId: number): boolean => wanted.has(userId);
    // A user that has joined before an earlier answer was applied is requested once more.
    const changed = [...new Set([...followed.keys(), ...wanted])]
      .filter(
        (userId) => !isAdded(userId) || !followed.get(userId) || (users.has(userId) && !users.get(userId)?.status),
      )
      .slice(0, MAX_CHANGES);
    const starting = hasServices ? [] : [...services];
    if (!changed.length && !starting.length) {
      // The widget has everything, also if another request than the last one has brought it there.
      lostSince = undefined;
      if (!isForced || !isActive()) return;
    }
    distrust(changed);
    const controller = new AbortController();
    list = { name: "asking", leave: () => controller.abort() };
    let listError: BusError | undefined;
    let canRetry = false;
    let unsettled = 0;
    const send = (
      event: Parameters<WatchListOptions["sendRequest"]>[0],
      onSettled: (error?: BusError, answer?: unknown) => void,
    ): void => {
      unsettled += 1;
      sendRequest(event, controller, (settlement) => {
        if (controller.signal.aborted) return;
        const error = isRejected(settlement) ? toBusError(event, settlement) : undefined;
        canRetry ||= !!error && !isFinal(error);
        onSettled(error, settlement.payload);
        unsettled -= 1;
        if (!unsettled) finishAsking(listError, canRetry);
        notifyAll();
      });
    };

    if (starting.length) {
      send({ type: "BUS.INIT", payload: { services: starting } }, (error) => {
        hasServices = !error || isFinal(error);
      });
    }
    const added = changed.filter(isAdded);
    const request = {
      type: CHANGE,
      payload: { variables: { added, removed: changed.filter((userId) => !isAdded(userId)) } },
    } as const;
    const toUserError = (answer: UserError): BusError =>
      toBusError(request, {
        type: `${CHANGE}_REJECTED`,
        payload: answer,
        meta: { source: "backend", status: answer.status },
      });
    send(request, (error, answer) => {
      listError = error;
      changed.forEach((userId) => {
        // After a rejection the widget may follow the user all the same.
        if (error || isAdded(userId)) followed.set(userId, !error);
        else followed.delete(userId);
        // The user may be another one than at the request: the answer comes after all that the widget has announced about the user before.
        const user = users.get(userId);
        if (!user || !isAdded(userId)) return;
        const userAnswer = Object(answer)[userId];
        // The backend has the user, but cannot read the availability at present: this user alone is requested again.
        const userError = error || (userAnswer?.error && toUserError(userAnswer));
        if (userError) {
          followed.set(userId, false);
          canRetry ||= !isFinal(userError);
          rejectUser(user, userError);
        } else {
          // A listener may have added the user while the answer's availabilities were applied.
          learn(userAnswer);
          applyAnswer(user, userAnswer);
        }
      });
      if (error) return;
      isStarted = true;
      lostSince = undefined;
      // The gateway has answered for these users.
      if (added.length) expiredSince = undefined;
    });
  }

  function finishAsking(error: BusError | undefined, canRetry: boolean): void {
    if (canRetry) {
      // Random between 4 s and 8 s, so that all pages do not return at once after an outage.
      list = { name: "waiting", leave: clock.schedule(8_000 * (1 - Math.random() / 2), restart) };
    } else if (error) {
      list = { name: "refused" };
      // No request follows for the users that have joined meanwhile.
      for (const [, user] of users) if (!user.status) rejectUser(user, error);
    } else {
      list = { name: "settled" };
      syncWidget();
    }
  }

  /** Sends the whole list again: the connection was lost, another widget has connected, or a session has begun. */
  function resubscribe(): void {
    followed.clear();
    hasServices = false;
    if (state() !== "ready") {
      if (isStarted) lostSince = since() ?? Date.now();
      // Only the widget that was lost could end its own state.
      expiredSince = staleSince = undefined;
    }
    restart();
  }

  function notifyAll(): void {
    for (const [, user] of users) notify(user);
    const next = liveState();
    if (next === lastState) return;
    lastState = next;
    liveListeners.emit(next);
  }

  const notify = (user: WatchedUser, isCorrection?: boolean): void => notifyUser(user, since(), isCorrection);

  /** Requests all users again if the next session has begun: the widget may lack some users of the last one. */
  function resumeSession({ status }: WatchedUser): void {
    if (status === "session-expired") resubscribe();
  }

  /**
   * Applies a newer availability of a watched user, or a correction of the latest one. The value is not validated: the widget may be
   * newer than the connector. The answer to the page's own request may be older than the absence of the user: only the answer to the
   * watch list and the widget's announcements bring a user.
   */
  function learn(value: unknown, isPageRequest?: boolean): void {
    const { userId, version } = Object(value);
    const user = users.get(userId);
    if (!user || (isPageRequest && !user.availability)) return;
    const isCorrection = isCorrectionOf(user, value as WatchedAvailability);
    if (!(version > user.version) && !isCorrection) return;
    resumeSession(user);
    applyAvailability(user, value as WatchedAvailability);
    notify(user, isCorrection);
  }

  return {
    isActive,
    liveState,
    onLiveChange: liveListeners.add,
    resubscribe,
    checkWidget() {
      if (list.name !== "asking") settle();
      syncWidget(true);
      notifyAll();
    },
    watch(userIds, listener, { signal, onStatus } = {}) {
      const ids = [...new Set([userIds].flat())];
      for (const userId of ids) {
        if (!Number.isSafeInteger(userId) || userId < 1) throw new TypeError("userId: expected a whole number from 1");
      }
      const offs = (signal?.aborted ? [] : ids).map((userId) => {
        const user = users.get(userId) ?? createWatchedUser(userId);
        users.set(userId, user);
        return addWatcher(user, listener, onStatus);
      });
      const unwatch = (): void => {
        signal?.removeEventListener("abort", unwatch);
        for (const off of offs) off();
        restart();
      };
      signal?.addEventListener("abort", unwatch);
      restart();
      return unwatch;
    },
    handleEvent({ type, payload }, carriesAvailabilities, isPageRequest) {
      // The payload is an availability, or an object of availabilities by user id.
      if (carriesAvailabilities) {
        for (const value of [payload, ...Object.values(Object(payload))]) learn(value, isPageRequest);
      }
      const { userId, version, isUnreadable, ageMs, state: widgetState } = Object(payload);
      const user = users.get(userId);
      if (type === "USER.AVAILABILITY_REMOVED" && user) {
        if (isUnreadable) {
          // The next answer has the error.
          followed.set(userId, false);
          restart();
        } else {
          enter(user, "removed", version);
          notify(user);
        }
      }
      if (type === "LIVE.STATE_CHANGED") {
        staleSince = undefined;
        if (widgetState === "stale") staleSince = Date.now() - ageMs;
        else {
          // The next session has begun, and no availability of it may come: the widget announces no unknown user.
          expiredSince = undefined;
          users.forEach(resumeSession);
        }
      } else if (type === "AUTH.SESSION_EXPIRED") {
        // The next session fetches every availability again.
        for (const [, user] of users) enter(user, "session-expired", -1);
        expiredSince ??= Date.now();
        staleSince = undefined;
      } else return;
      notifyAll();
    },
    handlePageDispatch({ type }) {
      if ((!users.size && list.name !== "asking") || !LISTS.includes(type)) return;
      // The widget changes its list even if it rejects the page's request: the connector sends the watched users again at once.
      // When the page empties the list, the widget opens a new feed, and announces `live` before the gateway has answered.
      lostSince ??= staleSince;
      distrust(followed.keys());
      settle();
      restart();
    },
    handlePageRequest({ type, payload }) {
      // A request that the widget has fulfilled matches the contract.
      const { services: namedServices, variables } = Object(payload);
      if (type === "BUS.INIT") {
        for (const service of namedServices) services.add(service);
        hasServices = isStarted = true;
        notifyAll();
      }
      if (type === "BUS.DESTROY") {
        for (const service of namedServices) services.delete(service);
        notifyAll();
      }
      if (LISTS.includes(type)) {
        const { added, removed = pageUserIds, userIds = added } = variables;
        for (const userId of removed) pageUserIds.delete(userId);
        for (const userId of userIds) pageUserIds.add(userId);
        isStarted = true;
        // With watched users, the connector's own request is on its way, or was in the widget before the page's.
        if (!users.size) {
          followed.clear();
          for (const userId of pageUserIds) followed.set(userId, true);
        }
        restart();
      }
    },
  };
}

function isFinal({ code, status, retryable }: BusError): boolean {
  return FINAL.includes(code ?? status) && !(code && retryable);
}
