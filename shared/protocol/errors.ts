import type { Envelope, Rejected } from "./envelope.ts";
import { type BridgeRejection, REJECTION_CODES, RETRYABLE_STATUSES, type RejectionCode } from "./rejection.ts";

const BRAND = Symbol.for("availability-bridge.error");

/** Base class of all errors that a connector throws. Catch its subclasses: each says who must act. */
export abstract class BusError extends Error {
  /** The rejected request, as the caller passed it. Absent if no single request failed, as when `ready` rejects. */
  declare readonly event?: Envelope;
  /** `payload.error` of the rejection, unchanged. */
  declare readonly error?: unknown;
  /** Reason for which the bridge rejected; absent if the backend itself responded. */
  declare readonly code?: RejectionCode;
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
  override readonly name = "TimeoutError";
}

/** No widget was connected, or the connector was destroyed. The page's developer must act. */
export class ConnectionError extends BusError {
  override readonly name = "ConnectionError";
}

/** A request or a response does not match the contract. A developer must act: `error.error.issues` names the fields. */
export class ContractError extends BusError {
  override readonly name = "ContractError";
}

/** The backend rejected the request or could not be reached, or the bridge is overloaded. The caller shows or repeats. */
export class RejectedError extends BusError {
  override readonly name = "RejectedError";
}

/** Checks for one of the errors above, also if a second copy of the package on the page created it. */
export function isBusError(value: unknown): value is BusError {
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
