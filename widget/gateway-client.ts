import type { Availability } from "../shared/contracts/availability.ts";
import type { Deadline } from "../shared/deadline.ts";

/** For whom a call is made: it ends when the caller leaves, and is over at the deadline whatever happens. */
export interface CallScope {
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  /** The W3C trace context that the caller's request belongs to. A shared call goes by that of its first caller. */
  readonly traceparent?: string | undefined;
}

/** The widget's only way to the backend. */
export interface GatewayClient {
  /**
   * A user's availability as the gateway has it now. Callers that ask for the same user at the same time share one call.
   *
   * @throws {BackendRefusal} with the gateway's own body where it answers with an error.
   * @throws {Refusal} `BACKEND_UNREACHABLE` or `INVALID_RESPONSE`.
   * @throws The signal's reason when the caller leaves.
   */
  fetchAvailability(userId: number, scope: CallScope): Promise<Availability>;
}
