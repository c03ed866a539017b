import type { GenericSchema, InferOutput } from "valibot";
import type { Availabilities, Availability, WatchedAvailabilities } from "../../shared/contracts/availability.ts";
import type { WRITABLE_STATUSES } from "../../shared/contracts/settable-statuses.ts";
import type { Deadline } from "../../shared/runtime/deadline.ts";

/** Options of a call: the signal aborts the call, and the deadline bounds the call with all retries. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  /** W3C trace context of the caller's request. A shared call sends the trace context of the first caller. */
  readonly traceparent?: string | undefined;
}

/** Status that an agent can set for itself. */
export type WritableStatus = (typeof WRITABLE_STATUSES)[number];

/** A cached availability, which the backend need not send again. */
export interface CachedAvailability {
  readonly version: number;
  /** Returns the availability with the wrap-up time remaining now. */
  read(): Availability;
}

/** Cache of availabilities, from responses and from the stream. */
export interface AvailabilityCache {
  /** Returns the cached availability of a user. */
  get(userId: number): CachedAvailability | undefined;
  /** Stores an availability as of now. Returns the newer of the stored and the given availability. */
  merge(availability: Availability): Availability;
}

/** Counters since the client was created. */
export interface CallStatistics {
  /** Calls, without streams and retries. */
  calls: number;
  /** Reads that shared the call of another read. */
  coalesced: number;
  /** Retries of calls and streams. */
  retries: number;
  /** Opened streams. */
  streams: number;
  /** Bytes of response bodies, decompressed. */
  bytes: number;
}

/** Resource of a live request: the stream of changes, or the list of availabilities at one moment. */
export type LiveResource = "stream" | "list";

/** Options of a live request. */
export interface LiveRequestOptions {
  /** Query of the address, with its question mark. @default none */
  readonly query?: string;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** `HEAD` checks the token without a body. @default "GET" */
  readonly method?: "HEAD";
}

/** Result of a token's verification by a read. */
export interface TokenVerification {
  /** Equal for all tabs that may share a stream; `undefined` if the token names no subject. */
  readonly sharingKey: string | undefined;
  /** Time to request the next token from the page, in milliseconds since 1970. */
  readonly refreshAt: number;
}

/** Client of the gateway, the only one in the widget. */
export interface GatewayClient {
  /**
   * Fetches a user's current availability; returns a newer cached availability if there is one. Concurrent callers share
   * calls: one call for the same user, and one call for many users until the call is sent.
   *
   * @throws {BackendResponseError} with the gateway's own body if the gateway responds with an error.
   * @throws {BridgeRejectionError} `BACKEND_UNREACHABLE` or `INVALID_RESPONSE`.
   * @throws The signal's reason when the signal aborts.
   */
  fetchAvailability(userId: number, options: CallOptions): Promise<Availability>;

  /**
   * Fetches the availabilities of these users, without unknown users, and the error of each user that the gateway has but
   * cannot read.
   *
   * @throws as `fetchAvailability` does.
   */
  fetchAvailabilities(userIds: readonly number[], options: CallOptions): Promise<WatchedAvailabilities>;

  /**
   * Fetches the availabilities of all users that the page's token may see.
   *
   * @throws as `fetchAvailability` does.
   */
  fetchAllAvailabilities(options: CallOptions): Promise<Availabilities>;

  /**
   * Reads a resource that needs no cache, no batch and no stream. `path` is relative to the API's address, such as
   * `users/123/profile`, and consists of validated values. The schema checks the response's JSON.
   *
   * @throws as `fetchAvailability` does.
   */
  fetchResource<Schema extends GenericSchema>(
    path: string,
    schema: Schema,
    options: CallOptions,
  ): Promise<InferOutput<Schema>>;

  /**
   * Sets the availability of the page's signed-in agent. Sent again only after a 401, with another token.
   *
   * @throws as `fetchAvailability` does.
   */
  updateOwnAvailability(status: WritableStatus, options: CallOptions): Promise<Availability>;

  /**
   * Opens the stream or fetches the list, for live updates. Resolves with a 2xx or 304 response: of the stream with its
   * headers, and of the list with its whole body. Sent again only after a 401, with another token.
   *
   * @throws {BackendResponseError} without a body, if the backend responds with an error.
   * @throws {BridgeRejectionError} `BACKEND_UNREACHABLE`, or `INVALID_RESPONSE` for a redirect and for an oversized list.
   * @throws The signal's reason when the signal aborts. The abort also ends the body.
   */
  openLive(resource: LiveResource, options: LiveRequestOptions): Promise<Response>;

  /**
   * Verifies that the backend accepts the page's token. A read of the last 60 s with this token is the proof; without such
   * a read the client sends a HEAD request.
   *
   * @throws as `openLive` does.
   */
  verifyToken(signal: AbortSignal): Promise<TokenVerification>;

  /**
   * Gives the page's token to the shared worker, which calls the backend for this page. If the worker reports a 401, fetches
   * and gives one more token.
   *
   * @throws {BackendResponseError} if no token was accepted. @throws The signal's reason when the signal aborts.
   */
  provideToken(signal: AbortSignal, isAccepted: (token: string | undefined) => Promise<boolean>): Promise<void>;

  /** Uses this cache from now on: sends `If-None-Match` for cached users and stores each response. */
  useCache(cache: AvailabilityCache): void;

  readonly statistics: Readonly<CallStatistics>;
}
