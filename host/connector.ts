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

/** State of a connector: before the first handshake, connected, connecting again, destroyed. */
export type ConnectorState = "connecting" | "ready" | "reconnecting" | "closed";

/** Options of a single request. */
export interface RequestOptions {
  /** Aborts the request, down to its backend call. */
  readonly signal?: AbortSignal;
  /** Timeout in milliseconds, 1 to 120,000, including the wait for the handshake. @default the connector's */
  readonly timeoutMs?: number;
}

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

  /** Sends an event and resolves with its settlement, fulfilled or rejected. Never rejects and never throws. */
  dispatch<Type extends RequestType>(event: RequestEvent<Type>, options?: RequestOptions): Promise<SettlementOf<Type>>;
  /** Sends an event whose type only a newer widget knows. */
  dispatch<Type extends string>(event: UnknownEvent<Type>, options?: RequestOptions): Promise<Settlement<Type>>;

  /**
   * Sends a request and resolves with the payload of the fulfilled settlement.
   *
   * @throws {RejectedError} when the backend rejects the request or cannot be reached.
   * @throws {ContractError} when the request or its response does not match the contract.
   * @throws {ConnectionError} when no widget is connected, or the connector is destroyed.
   * @throws {TimeoutError} when a connected widget sends no settlement in time.
   * @throws The signal's own reason when the caller aborts.
   */
  request<Type extends RequestType>(
    type: Type,
    payload: RequestPayload<Type>,
    options?: RequestOptions,
  ): Promise<FulfilledPayload<Type>>;

  /** Subscribes to settlements and announcements of a type, or of every type by `"*"`. */
  on<Type extends keyof ListenableEvents>(type: Type, listener: EventListener<ListenableEvents[Type]>): Unsubscribe;
  on(type: string, listener: EventListener): Unsubscribe;

  /**
   * Watches a user's availability until the returned function is called, up to 5,000 users at once. The connector sends the
   * watched users to the widget in a single request, and sends the list again after each reconnect.
   *
   * The listener receives the cached availability soon after `watch` returns, never before, and then each change. A listener
   * receives no version twice and no version lower than an earlier one. Failures reach `observe` only. For an unknown user the
   * listener is never called. Wrap-up time runs down without a new version, so the page counts the seconds.
   *
   * @throws {TypeError} when `userId` is not a whole number from 1; the message names `userId`.
   */
  watch(userId: number, listener: (availability: WatchedAvailability) => void): Unsubscribe;

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
