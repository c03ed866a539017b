import type { Envelope, Rejected } from "./envelope.ts";
import type { BridgeRejection, RejectionCode } from "./rejection.ts";

const BRAND = Symbol.for("availability-bridge.error");

/** What all errors that a connector throws have in common. Caught by its kinds, which say who must act. */
export abstract class BusError extends Error {
  /** The request that failed, as the caller gave it. Absent where no single request did, as when `ready` rejects. */
  declare readonly event?: Envelope;
  /** `payload.error` of the rejection, untouched. */
  declare readonly error?: unknown;
  /** Why the bridge rejected; absent where the backend itself answered. */
  declare readonly code?: RejectionCode;
  /** The backend's HTTP status; absent where it did not answer. */
  declare readonly status?: number | undefined;
  /** Whether the same request may succeed later without a change. */
  declare readonly retryable: boolean;
  /** Marks the errors of every copy of this package. */
  readonly [BRAND] = true;

  constructor(message: string, fields: BusErrorFields) {
    super(message);
    Object.assign(this, fields);
  }
}

type BusErrorFields = Pick<BusError, "event" | "error" | "code" | "status" | "retryable">;

/** A connected widget said nothing in time. The outcome is unknown: read again before you repeat what is not idempotent. */
export class TimeoutError extends BusError {
  override readonly name = "TimeoutError";
}

/** No widget was connected, or the connector was destroyed. For whoever embeds the widget to solve. */
export class ConnectionError extends BusError {
  override readonly name = "ConnectionError";
}

/** A request or an answer is outside the contract. For a developer to solve: `error.issues` names the fields. */
export class ContractError extends BusError {
  override readonly name = "ContractError";
}

/** The backend said no, could not be reached, or the bridge is overloaded. For the caller to show or to repeat. */
export class RejectedError extends BusError {
  override readonly name = "RejectedError";
}

/** Whether a value is one of the errors above, also where a second copy of the package on the page made it. */
export function isBusError(value: unknown): value is BusError {
  return value instanceof Error && BRAND in value;
}

/** The error that stands for a rejection. */
export function toBusError(event: Envelope, { payload: { error }, meta: { source, status } }: Rejected): BusError {
  if (source === "bridge") {
    // Written by the bridge itself, on either side.
    const { code, message, retryable } = error as BridgeRejection;
    return new (kindOf(code))(message, { event, error, code, retryable });
  }
  const message = `${event.type} was rejected by the backend with status ${status}`;
  return new RejectedError(message, { event, error, status, retryable: /^(408|429|50[234])$/.test(`${status}`) });
}

function kindOf(code: RejectionCode): new (message: string, fields: BusErrorFields) => BusError {
  if (code === "TIMEOUT") return TimeoutError;
  if (code === "WIDGET_UNAVAILABLE" || code === "CONNECTION_CLOSED") return ConnectionError;
  return /^(INVALID|UNKNOWN)/.test(code) ? ContractError : RejectedError;
}
