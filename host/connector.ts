import type { Envelope, Settlement } from "../shared/protocol/envelope.ts";
import type {
  EventListener,
  FulfilledPayload,
  ListenableEvents,
  RequestEvent,
  RequestPayload,
  RequestType,
  SettlementOf,
  UnknownEvent,
  WatchedAvailability,
} from "./event-types.ts";
import type { Unsubscribe } from "./listeners.ts";

/** Where the connector stands: before the first handshake, connected, connecting again, destroyed. */
export type ConnectorState = "connecting" | "ready" | "reconnecting" | "closed";

/** How one request is to be treated. */
export interface RequestOptions {
  /** Aborts the request, down to its backend call. */
  readonly signal?: AbortSignal;
  /** The request's whole life in milliseconds, waiting for the handshake included, 1 to 120,000. @default the connector's */
  readonly timeoutMs?: number;
}

/** Something that happened on a connector. */
export type ConnectorEvent =
  | { readonly kind: "sent"; readonly event: Envelope }
  | {
      readonly kind: "settled";
      readonly event: Envelope;
      readonly settlement: Settlement;
      /** From the call of `dispatch` or `request` to the settlement. */
      readonly durationMs: number;
    }
  | { readonly kind: "announced"; readonly event: Envelope }
  | { readonly kind: "state"; readonly state: ConnectorState };

/** Something that happened and when, for logs and inspectors. `at` is milliseconds since 1970. */
export type ConnectorRecord = ConnectorEvent & { readonly at: number };

/** The host's end of the bridge. */
export interface Connector {
  /**
   * Resolves at the first handshake. Awaiting it is optional: requests wait in line for it.
   * Rejects with a `ConnectionError` where the handshake takes too long or `destroy()` comes first;
   * after a handshake that took too long the connector goes on trying.
   */
  readonly ready: Promise<void>;
  readonly state: ConnectorState;

  /** Sends an event and resolves with its settlement, fulfilled or rejected. Never rejects and never throws. */
  dispatch<Type extends RequestType>(event: RequestEvent<Type>, options?: RequestOptions): Promise<SettlementOf<Type>>;
  /** Sends an event that this version does not know by name, as a newer widget may. */
  dispatch<Type extends string>(event: UnknownEvent<Type>, options?: RequestOptions): Promise<Settlement<Type>>;

  /**
   * Sends a request and resolves with the payload that it fulfils with.
   *
   * @throws {RejectedError} when the backend says no or cannot be reached.
   * @throws {ContractError} when the request is no event of the contract, or the answer is none.
   * @throws {ConnectionError} when no widget is connected, or the connector is destroyed.
   * @throws {TimeoutError} when a connected widget says nothing in time.
   * @throws The signal's own reason when the caller aborts.
   */
  request<Type extends RequestType>(
    type: Type,
    payload: RequestPayload<Type>,
    options?: RequestOptions,
  ): Promise<FulfilledPayload<Type>>;

  /** Listens to settlements and announcements of one type, or of all by `"*"`. */
  on<Type extends keyof ListenableEvents>(type: Type, listener: EventListener<ListenableEvents[Type]>): Unsubscribe;
  on(type: string, listener: EventListener): Unsubscribe;

  /**
   * Watches a user, one of up to 5,000 at once, until it is taken back. All that is watched on a page is one request to the
   * widget, which is told again whatever becomes of its frame.
   *
   * The listener gets what is known at once, though never before this call returns, and then each change: no version twice, and
   * none after a higher one. It hears of no failure, which `observe` tells, and of nothing where there is no such user.
   * Wrap-up time runs down without a new version, so that whoever shows it counts for itself.
   *
   * @throws {TypeError} when `userId` is none; the message names it.
   */
  watch(userId: number, listener: (availability: WatchedAvailability) => void): Unsubscribe;

  /** Listens to changes of `state`. */
  onStateChange(listener: (state: ConnectorState) => void): Unsubscribe;

  /** Hears every envelope sent and settled, and every change of state. */
  observe(observer: (record: ConnectorRecord) => void): Unsubscribe;

  /** Settles all that is in flight as `CONNECTION_CLOSED` and takes the frame down. Calling it again does nothing. */
  destroy(): void;
}
