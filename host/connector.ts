import type { Envelope, Settlement } from "../shared/protocol/envelope.ts";
import type { BusError } from "../shared/protocol/errors.ts";
import type {
  EventListener,
  FulfilledPayload,
  ListenableType,
  ListenedEvent,
  RequestEvent,
  RequestPayload,
  RequestType,
  SettlementOf,
  UnknownEvent,
  WatchedAvailability,
} from "./event-types.ts";
import type { Unsubscribe } from "./listeners.ts";

/**
 * State of everything that the page watches. `idle`: nothing is watched, or nothing has come yet. `live`: each change comes
 * within 45 s. `stale`: changes may be missing, until the connector and the widget have everything again.
 */
export type LiveState = "idle" | "live" | "stale";

/** Status of one watched user. */
export interface WatchStatus {
  /**
   * - `live`: the listener has the user's availability, and receives each change within 45 s.
   * - `stale`: the availability, or that there is no such user, may be outdated since `since`.
   * - `unknown-user`: there is no such user, or none that the page's token may see.
   * - `removed`: the user was removed while watched.
   * - `not-allowed`: the page's token may not read users. `error` is the backend's.
   * - `session-expired`: the backend accepts no token of the page any more.
   * - `error`: the user could not be fetched, for the reason in `error`. The connector tries again if that may help.
   */
  readonly status: "live" | "stale" | "unknown-user" | "removed" | "not-allowed" | "session-expired" | "error";
  readonly userId: number;
  /** With `stale`: time of the latest sign of life, in milliseconds since 1970 by the page's clock. */
  readonly since?: number;
  /** With `error`, with `not-allowed`, and with `session-expired` if a request was rejected. */
  readonly error?: BusError;
}

/** Options of `watch`. */
export interface WatchOptions {
  /** Ends the watch. */
  readonly signal?: AbortSignal;
  /** Receives the status of each watched user, first when it is known, then with each change. */
  readonly onStatus?: (status: WatchStatus) => void;
}

/** State of a connector: before the first handshake, connected, connecting again, destroyed. */
export type ConnectorState = "connecting" | "ready" | "reconnecting" | "closed";

/** Options of a single request. */
export interface RequestOptions {
  /** Aborts the request, down to its backend call. */
  readonly signal?: AbortSignal;
  /** Timeout in milliseconds, 1 to 120,000, including the wait for the handshake. @default the connector's */
  readonly timeoutMs?: number;
}

/** What follows the type in a call of `request`: the payload, unless the request has none, and options. */
export type RequestArguments<Type extends RequestType> =
  undefined extends RequestPayload<Type>
    ? [payload?: RequestPayload<Type>, options?: RequestOptions]
    : [payload: RequestPayload<Type>, options?: RequestOptions];

/** An event of a connector: a message sent, settled or announced, or a change of state. */
export type ConnectorEvent =
  | { readonly kind: "sent"; readonly event: Envelope }
  | {
      readonly kind: "settled";
      readonly event: Envelope;
      readonly settlement: Settlement;
      /** Milliseconds from the call of `dispatch` or `request` to the settlement. */
      readonly durationMs: number;
    }
  | { readonly kind: "announced"; readonly event: Envelope }
  | { readonly kind: "state"; readonly state: ConnectorState };

/** A connector's event with its time, for logs and inspectors. `at` is milliseconds since 1970. */
export type ConnectorRecord = ConnectorEvent & { readonly at: number };

/** The host's end of the bridge. */
export interface Connector {
  /**
   * Resolves at the first handshake. Awaiting `ready` is optional: requests are queued until the handshake.
   * Rejects with a `ConnectionError` if the handshake times out, or if `destroy()` is called first.
   * After a timeout a late handshake still connects. The connector retries while requests are queued, and while the page is
   * visible and watches something or has a listener of `onStateChange` or `observe`.
   */
  readonly ready: Promise<void>;
  readonly state: ConnectorState;

  /** Sends an event whose type only a newer widget knows. */
  dispatch<Type extends string>(event: UnknownEvent<Type>, options?: RequestOptions): Promise<Settlement<Type>>;
  /** Sends an event and resolves with its settlement, fulfilled or rejected. Never rejects and never throws. */
  dispatch<Type extends RequestType>(event: RequestEvent<Type>, options?: RequestOptions): Promise<SettlementOf<Type>>;

  /**
   * Sends a request and resolves with the payload of the fulfilled settlement. A request without content needs no payload.
   *
   * @throws {RejectedError} when the backend rejects the request or cannot be reached.
   * @throws {ContractError} when the request or its response does not match the contract.
   * @throws {ConnectionError} when no widget is connected, or the connector is destroyed.
   * @throws {TimeoutError} when a connected widget sends no settlement in time.
   * @throws The signal's own reason when the caller aborts.
   */
  request<Type extends RequestType>(type: Type, ...rest: RequestArguments<Type>): Promise<FulfilledPayload<Type>>;

  /** Subscribes to a type that is known only at run time, or that only a newer widget knows: a variable of type `string`, and no literal. */
  on<Type extends string>(type: string extends Type ? Type : never, listener: EventListener<Envelope>): Unsubscribe;
  /**
   * Subscribes to settlements and announcements of a type, or of every type by `"*"`.
   *
   * @returns the function that unsubscribes.
   */
  on<Type extends ListenableType>(type: Type, listener: EventListener<ListenedEvent<Type>>): Unsubscribe;

  /**
   * Watches the availability of one or more users until the returned function is called or `signal` aborts, up to 5,000 users of
   * a page at once. The connector sends only changes of the list to the widget, and the whole list after each reconnect.
   *
   * The listener receives the cached availability soon after `watch` returns, never before, and then each change. A listener
   * receives no version lower than an earlier one, and no version twice, unless its wrap-up time ends sooner than was known, which
   * a sleep of the machine causes. Failures, and a user too many, reach `onStatus`: an
   * availability counts only while the user's status is `live`. Wrap-up time runs down without a new version, so the page
   * counts the seconds.
   *
   * @throws {TypeError} when a user id is not a whole number from 1; the message names `userId`.
   */
  watch(
    userIds: number | readonly number[],
    listener: (availability: WatchedAvailability) => void,
    options?: WatchOptions,
  ): Unsubscribe;

  /** State of everything that the page watches, by `watch` and by `BUS.INIT`. */
  readonly liveState: LiveState;
  /** Subscribes to changes of `liveState`. */
  onLiveChange(listener: (state: LiveState) => void): Unsubscribe;

  /**
   * Makes the widget ask `fetchToken` for a token at once, for example after a sign-in. Resolves after the answer.
   *
   * @throws as `request` does; `UNKNOWN_EVENT` if the widget is older.
   */
  refreshToken(): Promise<void>;

  /** Subscribes to changes of `state`. */
  onStateChange(listener: (state: ConnectorState) => void): Unsubscribe;

  /** Observes every envelope sent, settled or announced, and every change of state. */
  observe(observer: (record: ConnectorRecord) => void): Unsubscribe;

  /**
   * Rejects every request in flight with `CONNECTION_CLOSED` and removes the mounted iframe. Nothing brings the connector back:
   * later requests are rejected, and `fetchToken` is not called any more. Further calls do nothing.
   */
  destroy(): void;
}
