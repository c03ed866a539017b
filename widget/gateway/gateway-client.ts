import type { GenericSchema, InferOutput } from "valibot";
import type { Availabilities, Availability } from "../../shared/contracts/availability.ts";
import type { WRITABLE_STATUSES } from "../../shared/contracts/read-availability.ts";
import type { Deadline } from "../../shared/runtime/deadline.ts";

/** For whom a call is made: it ends when the caller leaves, and is over at the deadline whatever happens. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  /** The W3C trace context that the caller's request belongs to. A shared call goes by that of its first caller. */
  readonly traceparent?: string | undefined;
}

/** A word by which an agent's own availability is written. */
export type WritableStatus = (typeof WRITABLE_STATUSES)[number];

/** An availability that is known, which the backend need not send again. */
export interface CachedAvailability {
  readonly version: number;
  /** With the wrap-up time that is left now. */
  read(): Availability;
}

/** What is known of users, whatever has told it. */
export interface AvailabilityCache {
  /** What is known of a user. */
  get(userId: number): CachedAvailability | undefined;
  /** Hears of an availability as it is now. Returns what is known by then: that, or a newer one. */
  merge(availability: Availability): Availability;
}

/** What the client has done since it was created. */
export interface CallStatistics {
  /** Calls, streams and repetitions not counted. */
  calls: number;
  /** Reads that were answered by a call that others had asked for. */
  coalesced: number;
  /** Repetitions of calls. */
  retries: number;
  /** Streams that were opened. */
  streams: number;
  /** Bytes of bodies, decompressed. */
  bytes: number;
}

/** The stream of changes, or the list of all. */
export type LivePath = "availabilities/stream" | "availabilities";

/** How the backend is asked for what users are followed by. */
export interface LiveRequestOptions {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** `HEAD` asks whether there is an answer, and for nothing of it. @default "GET" */
  readonly method?: "HEAD";
}

/** What the backend has said of the page's token by answering a read with it. */
export interface TokenVerification {
  /** The same for all who may be told the same; `undefined` where the token does not say whose it is. */
  readonly sharingKey: string | undefined;
  /** When the page is to be asked for another token, in milliseconds since 1970. */
  readonly refreshAt: number;
}

/** The widget's only way to the backend. */
export interface GatewayClient {
  /**
   * A user's availability as the gateway has it now, or a newer one that is known. Callers that ask at the same time share
   * calls: one for the same user, and one for many users where they ask before it is sent.
   *
   * @throws {BackendResponseError} with the gateway's own body where it answers with an error.
   * @throws {BridgeRejectionError} `BACKEND_UNREACHABLE` or `INVALID_RESPONSE`.
   * @throws The signal's reason when the caller leaves.
   */
  fetchAvailability(userId: number, options: CallOptions): Promise<Availability>;

  /**
   * The availabilities of these users, without those that there are none of; or of all that the page's token may see.
   *
   * @throws as `fetchAvailability` does.
   */
  fetchAvailabilities(userIds: readonly number[] | undefined, options: CallOptions): Promise<Availabilities>;

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
   * Sets the availability of the agent that the page's token stands for. Never sent twice.
   *
   * @throws as `fetchAvailability` does.
   */
  updateOwnAvailability(status: WritableStatus, options: CallOptions): Promise<Availability>;

  /**
   * Asks for what users are followed by, below the API's address. Resolves when the backend has begun to answer, be it that
   * nothing has changed. Not repeated.
   *
   * @throws {BackendResponseError} without a body, where the backend answers with an error.
   * @throws {BridgeRejectionError} `BACKEND_UNREACHABLE`, or `INVALID_RESPONSE` for a redirect.
   * @throws The signal's reason when it aborts, which ends a body that is being read as well.
   */
  openLive(path: LivePath, options: LiveRequestOptions): Promise<Response>;

  /**
   * Proves that the page's token is genuine. A token that a read has just been answered with, or is about to be, is proven by
   * that read; otherwise the backend is asked.
   *
   * @throws as `follow` does.
   */
  verifyToken(signal: AbortSignal): Promise<TokenVerification>;

  /**
   * Lends the page's token to whoever calls the backend in this page's place, and another one where that says that the backend
   * has not taken it.
   *
   * @throws {BackendResponseError} where none was taken. @throws The signal's reason when it aborts.
   */
  provideToken(signal: AbortSignal, isAccepted: (token: string | undefined) => Promise<boolean>): Promise<void>;

  /** From now on asks for what is newer than what is known, and tells what it has read. */
  useCache(cache: AvailabilityCache): void;

  readonly statistics: Readonly<CallStatistics>;
}
