/** The package's main entry: connect a page to the widget and ask it. Importing it does nothing. */
export { type AvailabilityReading, readAvailability } from "../shared/availability.ts";
export type { Envelope, Rejected, RequestMeta, Settlement, SettlementMeta } from "../shared/envelope.ts";
export { BusError, ConnectionError, ContractError, isBusError, RejectedError, TimeoutError } from "../shared/errors.ts";
export type { BridgeRejection, Issue, RejectionCode } from "../shared/rejection.ts";
export { defineAvailabilityBadge } from "./availability-badge.ts";
export type {
  Availability,
  EventListener,
  FulfilledPayload,
  RequestEvent,
  RequestPayload,
  RequestType,
  SettlementOf,
} from "./bus-types.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export type { Connector, ConnectorRecord, ConnectorState, RequestOptions } from "./connector.ts";
export type { Unsubscribe } from "./listeners.ts";
export type { FetchToken } from "./page-token.ts";
export type { WatchedAvailability } from "./watches.ts";
