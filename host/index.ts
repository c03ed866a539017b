/** Main entry of the package: connects a page to the widget. Importing the module has no side effects. */
export { type AvailabilityReading, readAvailability } from "../shared/contracts/read-availability.ts";
export type { Envelope, Rejected, RequestMeta, Settlement, SettlementMeta } from "../shared/protocol/envelope.ts";
export {
  type AnyBusError,
  type BackendError,
  BusError,
  ConnectionError,
  ContractError,
  isBusError,
  RejectedError,
  TimeoutError,
} from "../shared/protocol/errors.ts";
export type { BridgeRejection, Issue, RejectionCode } from "../shared/protocol/rejection.ts";
export type {
  AvailabilityBadgeAttributes,
  AvailabilityBadgeElement,
  AvailabilityChange,
  AvailabilityChangeEvent,
} from "./badge/badge-element.ts";
export { defineAvailabilityBadge } from "./badge/define-badge.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export type {
  Connector,
  ConnectorRecord,
  ConnectorState,
  LiveState,
  RequestArguments,
  RequestOptions,
  WatchOptions,
  WatchStatus,
} from "./connector.ts";
export type {
  AnyEvent,
  Availability,
  AvailabilityStatus,
  EventListener,
  FulfilledPayload,
  ListenableType,
  ListenedEvent,
  RequestEvent,
  RequestPayload,
  RequestType,
  SettlementOf,
  WatchedAvailability,
} from "./event-types.ts";
export type { Unsubscribe } from "./listeners.ts";
export type { FetchToken } from "./token/token-provider.ts";
