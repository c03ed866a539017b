import type { Status, StoredAgent } from "../store/agent.ts";

/** Health of an upstream. */
export interface UpstreamHealth {
  /**
   * Time since which the store may be stale, in milliseconds on the monotonic clock. `undefined` while current,
   * `-Infinity` if never current.
   */
  readonly staleSinceMs: number | undefined;
  /**
   * Least limit of the age, in seconds: a shorter limit would reject data of the age that it reaches after one failed
   * request. Absent if the upstream has no list.
   */
  readonly minStaleLimitSeconds?: number | undefined;
  /** Latest error of the upstream, if requests fail. */
  readonly failure: UpstreamError | undefined;
  /** Remaining requests of this minute. Absent if the upstream has no limit. */
  readonly budgetLeft?: number | undefined;
  /**
   * Number of removals held back since the start of the process, because a list lacked suspiciously many agents. Absent
   * if the upstream has no list.
   */
  readonly removalsHeldBack?: number | undefined;
  /** True if this gateway, and no other one, polls the list at present. Absent if the upstream has no list. */
  readonly isPolling?: boolean | undefined;
}

/** Request that causes a change upstream. */
export interface UpstreamContext {
  readonly signal: AbortSignal;
  /** W3C trace context of the request. */
  readonly traceparent?: string | undefined;
  /** W3C `tracestate` of the request. */
  readonly tracestate?: string | undefined;
}

/** Change of an agent's status. */
export interface UpstreamChange {
  readonly userId: number;
  readonly status: Status;
  /**
   * Called when no other request of any gateway changes the agent, until this change has ended. If it rejects, the change
   * rejects with its reason, and the upstream gets no request.
   */
  readonly checkAgent: () => Promise<void>;
}

/** Source of a customer's availabilities, which the upstream writes into the customer's store. */
export interface Upstream {
  /** True if the operator creates users by setting a status, because no telephony system lists the users. */
  readonly allowsNewUsers: boolean;
  /** Starts to keep the store current. */
  start(): void;
  /** Stops, and aborts pending requests. */
  stop(): Promise<void>;
  health(): UpstreamHealth;
  /**
   * Sets an agent's status in the upstream, reads the agent back, and writes what was read into the store. Resolves with
   * the stored agent, who may have a status other than the requested, for example in a call. Absent if the store itself
   * is authoritative.
   *
   * @throws {UpstreamError} if the upstream rejects a request or is unreachable. Unless the upstream has rejected the
   * change, the change may have been made.
   * @throws {UnsupportedStatusError} if the upstream cannot set the status.
   * @throws {RateBudgetError} if the upstream must not be called now.
   * @throws {StoreUnavailableError} if the store may not have kept what was read.
   */
  setStatus?(change: UpstreamChange, scope: UpstreamContext): Promise<StoredAgent | undefined>;
}

/** Log of an upstream, for the operator. */
export interface UpstreamLog {
  line(text: string): void;
  /** Reports a problem that the operator may have to solve. */
  warning(text: string): void;
  /** Reports an unexpected error. */
  defect(error: unknown): void;
}

/** Thrown when the upstream rejects a request or does not respond. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  /** HTTP status of the upstream; `undefined` without a response. */
  readonly status: number | undefined;
  /** Body of the upstream's response, as any JSON; `undefined` without a response. */
  readonly body: unknown;
  /** Seconds for which the upstream asks not to be called. */
  readonly retryAfterSeconds: number | undefined;
  /** True if the upstream did not respond in time. */
  readonly isTimeout: boolean;

  constructor(message: string, response: UpstreamResponse = {}, options?: ErrorOptions) {
    super(message, options);
    this.status = response.status;
    this.body = response.body;
    this.retryAfterSeconds = response.retryAfterSeconds;
    this.isTimeout = response.isTimeout ?? false;
  }
}

/** Response of the upstream. Fields are absent without a response. */
interface UpstreamResponse {
  readonly status?: number;
  readonly body?: unknown;
  readonly retryAfterSeconds?: number;
  readonly isTimeout?: boolean;
}

/** Thrown when the upstream cannot set a status. The caller has to choose another. */
export class UnsupportedStatusError extends Error {
  override readonly name = "UnsupportedStatusError";

  constructor(status: Status, settable: readonly Status[]) {
    super(`The telephony system cannot set ${status}, only ${settable.join(" or ")}`);
  }
}

/**
 * Thrown when the upstream must not be called now, because the minute's budget is spent or the upstream asked to wait.
 * No request was sent.
 */
export class RateBudgetError extends Error {
  override readonly name = "RateBudgetError";
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super(`The telephony system must not be called for another ${retryAfterSeconds} seconds`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
