import type { Envelope, Rejected } from "./envelope.ts";
import {
  type BridgeRejection,
  type NOT_CONNECTED,
  type OUTSIDE_CONTRACT,
  REJECTION_CODES,
  RETRYABLE_STATUSES,
  type RejectionCode,
  type RejectionKind,
  type TIMED_OUT,
} from "./rejection.ts";

const BRAND = Symbol.for("availability-bridge.error");

/** Base class of all errors that a connector throws. Catch its subclasses: each says who must act. */
export abstract class BusError extends Error {
  /** The rejected request, as the caller passed it. Absent if no single request failed, as when `ready` rejects. */
  declare readonly event?: Envelope;
  /** `payload.error` of the rejection, unchanged. */
  declare readonly error?: unknown;
  /** Reason for which the bridge rejected; absent if the backend itself responded. */
  declare readonly code?: RejectionCode | undefined;
  /** HTTP status of the backend; absent if the backend did not respond. */
  declare readonly status?: number | undefined;
  /** True if the same request may succeed later without a change. */
  declare readonly retryable: boolean;
  /** Marks the errors of every copy of this package. */
  readonly [BRAND] = true;

  constructor(message: string, fields: BusErrorFields) {
    super(message);
    Object.assign(this, fields);
  }
}

type BusErrorFields = Pick<BusError, "event" | "error" | "code" | "status" | "retryable">;

/** A connected widget did not settle the request in time. The outcome is unknown: read again before repeating a write. */
export class TimeoutError extends BusError {
  override readonly name = "TimeoutError" as const;
  declare readonly code?: TimeoutCode | undefined;
}

/** No widget was connected, or the connector was destroyed. The page's developer must act. */
export class ConnectionError extends BusError {
  override readonly name = "ConnectionError" as const;
  declare readonly code?: ConnectionCode | undefined;
}

/** A request or a response does not match the contract. A developer must act: `error.error.issues` names the fields. */
export class ContractError extends BusError {
  override readonly name = "ContractError" as const;
  declare readonly code?: ContractCode | undefined;
}

/** The backend rejected the request or could not be reached, or the bridge is overloaded. The caller shows or repeats. */
export class RejectedError extends BusError {
  override readonly name = "RejectedError" as const;
  declare readonly code?: RejectedCode | undefined;
}

type CodeOfKind<Kinds extends RejectionKind> = {
  [Code in RejectionCode]: (typeof REJECTION_CODES)[Code] extends Kinds ? Code : never;
}[RejectionCode];

type TimeoutCode = CodeOfKind<typeof TIMED_OUT>;
type ConnectionCode = CodeOfKind<typeof NOT_CONNECTED>;
type ContractCode = CodeOfKind<typeof OUTSIDE_CONTRACT>;
type RejectedCode = Exclude<RejectionCode, TimeoutCode | ConnectionCode | ContractCode>;

/** The bridge's own rejection, with a code that tells the errors apart. */
interface BridgeDetails<Code extends RejectionCode> {
  readonly code: Code;
  /** The rejection. Absent if no single request failed, as when `ready` rejects. */
  readonly error?: BridgeRejection<Code>;
  readonly status?: undefined;
}

/** The backend's own answer to a rejected request. */
interface BackendDetails {
  readonly code?: undefined;
  /** Body of the backend's answer: JSON of any kind, unchanged. */
  readonly error?: unknown;
  /** HTTP status of the backend. */
  readonly status: number;
}

type WithCode<ErrorClass, Code extends RejectionCode> = Code extends RejectionCode
  ? ErrorClass & BridgeDetails<Code>
  : never;

/** A `RejectedError` with the backend's own answer: it has a `status`, and no `code`. */
export type BackendError = RejectedError & BackendDetails;

/**
 * Every error that a connector throws, told apart by `code`, and by `name`. A newer widget may send a code that this release lacks: a `switch`
 * needs a `default`.
 */
export type AnyBusError =
  | BackendError
  | WithCode<RejectedError, RejectedCode>
  | WithCode<ContractError, ContractCode>
  | WithCode<ConnectionError, ConnectionCode>
  | WithCode<TimeoutError, TimeoutCode>;

/**
 * Checks for an error of a connector, also if a second copy of the package on the page created it. Narrows to the union of all of them, in which `code`
 * tells the class and the details: `INVALID_REQUEST` has `error.issues`, `undefined` has the backend's `status`.
 */
export function isBusError(value: unknown): value is AnyBusError {
  return value instanceof Error && BRAND in value;
}

/** Converts a rejection into the error that the connector throws. */
export function toBusError(event: Envelope, { payload: { error }, meta: { source, status } }: Rejected): BusError {
  if (source === "bridge") {
    // The bridge wrote this error, in the widget or in the connector.
    const { code, message, retryable } = error as BridgeRejection;
    // By kind. A newer widget may send a code that the table lacks.
    const classes = [RejectedError, ContractError, ConnectionError, TimeoutError];
    const ErrorClass = classes[REJECTION_CODES[code]] ?? RejectedError;
    return new ErrorClass(message, { event, error, code, retryable });
  }
  const message = `${event.type} was rejected by the backend with status ${status}`;
  return new RejectedError(message, { event, error, status, retryable: RETRYABLE_STATUSES.includes(Number(status)) });
}
