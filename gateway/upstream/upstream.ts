import type { Status } from "../store/agent.ts";

/** How an upstream stands. */
export interface UpstreamHealth {
  /** Since when it may lag behind, in milliseconds on the monotonic clock; `undefined` while it is current. `-Infinity` where it never was. */
  readonly staleSinceMs: number | undefined;
  /** What the upstream said last where it refuses. */
  readonly failure: UpstreamError | undefined;
  /** How many requests it still takes from this gateway in this minute; absent where it has no such limit. */
  readonly budgetLeft?: number | undefined;
}

/** For whom a change is made upstream. */
export interface UpstreamContext {
  readonly signal: AbortSignal;
  /** W3C trace context of the request that asked for it. */
  readonly traceparent?: string;
  /** What others have to say of that trace, as W3C has it. */
  readonly tracestate?: string;
}

/** Where a customer's availabilities come from. What an upstream learns it writes into the customer's part of the store. */
export interface Upstream {
  /** Whether whoever may set every user's status makes users known by it: nobody else says who there is. */
  readonly allowsNewUsers: boolean;
  /** Begins to keep the store current. */
  start(): void;
  /** Ends it, and what is under way. */
  stop(): Promise<void>;
  health(): UpstreamHealth;
  /**
   * Changes an agent's status where it is decided.
   *
   * @throws {UpstreamError} where the upstream refuses, or cannot be reached.
   * @throws {UnsupportedStatusError} where the upstream has no way to set this one.
   * @throws {RateBudgetError} where the upstream may not be asked now.
   */
  setStatus(userId: number, status: Status, scope: UpstreamContext): Promise<void>;
  /** Sees to it that an agent is read anew soon, for whom nobody waits: what was set may not be what the agent is by it. */
  scheduleRefresh(userId: number): void;
}

/** Where an upstream says what an operator should know. */
export interface UpstreamLog {
  line(text: string): void;
  /** Something that the operator may have to act upon. */
  warning(text: string): void;
  /** Something was thrown by mistake. */
  defect(error: unknown): void;
}

/** The upstream refused, or did not answer. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  /** The upstream's HTTP status; `undefined` where it did not answer. */
  readonly status: number | undefined;
  /** The upstream's own body, as JSON of any kind; `undefined` where it did not answer. */
  readonly body: unknown;
  /** How long the upstream wants to be left alone, in seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** Whether it was reached, as far as is known, and said nothing in time. */
  readonly isTimeout: boolean;

  constructor(message: string, response: UpstreamResponse = {}, options?: ErrorOptions) {
    super(message, options);
    this.status = response.status;
    this.body = response.body;
    this.retryAfterSeconds = response.retryAfterSeconds;
    this.isTimeout = response.isTimeout ?? false;
  }
}

/** What the upstream answered; each absent where it did not. */
interface UpstreamResponse {
  readonly status?: number;
  readonly body?: unknown;
  readonly retryAfterSeconds?: number;
  readonly isTimeout?: boolean;
}

/** The upstream has no way to set this status. The asker has to ask for another. */
export class UnsupportedStatusError extends Error {
  override readonly name = "UnsupportedStatusError";

  constructor(status: Status, settable: readonly Status[]) {
    super(`The telephony system cannot be told to set ${status}, only ${settable.join(" or ")}`);
  }
}

/** The upstream may not be asked now: what it grants in a minute is spent, or it has said to be left alone. Nothing was sent. */
export class RateBudgetError extends Error {
  override readonly name = "RateBudgetError";
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super(`The telephony system may not be asked for another ${retryAfterSeconds} seconds`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
