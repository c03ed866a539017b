import type { Json } from "../../shared/protocol/json.ts";
import { BackendResponseError, BridgeRejectionError, RETRYABLE_STATUSES } from "../../shared/protocol/rejection.ts";
import { type BodyOptions, fetchBuffered } from "./buffered-fetch.ts";
import type { CallOptions, CallStatistics } from "./gateway-client.ts";
import type { TokenSession } from "./session.ts";

/** Maximum number of retries of one call. */
const MAX_RETRIES = 2;

/** Maximum delay before a retry in milliseconds, if the backend sends no `Retry-After`: 250, then 500. */
function maxRetryDelayMs(attempt: number): number {
  return 125 * 2 ** attempt;
}

/** One call of the backend. */
export interface ApiCall<Value> {
  /** Path relative to the API's address, with the query. */
  readonly path: string;
  /** Maximum size of the response's body in bytes, decompressed. */
  readonly maxBytes: number;
  /** Version of the cached availability. The backend responds with 304 if that version is current. */
  readonly cachedVersion?: number | undefined;
  /** Body to write. With a body the call is a PUT and is not retried after a failure. */
  readonly body?: Json;
  /** Parses the response. @throws {BridgeRejectionError} `INVALID_RESPONSE`. */
  readonly parse: (response: ApiResponse) => Value;
}

/** Response of the backend. */
export interface ApiResponse {
  /** `undefined` if the cached version is current. */
  readonly body: Json | undefined;
  /** Age of the response in whole seconds; 0 without an `Age` header. */
  readonly ageSeconds: number;
}

/** HTTP client that sends the page's token. */
export interface ApiClient {
  /**
   * Calls the backend and retries reads. `createCall` is called once, when the token is available.
   *
   * @throws as `GatewayClient.fetchAvailability` does.
   */
  call<Value>(createCall: () => ApiCall<Value>, options: CallOptions): Promise<Value>;
  /** True if the latest read, at most 60 s old, used this token (or also had none) and succeeded. */
  isTokenAccepted(token: string | undefined): Promise<boolean>;
}

export interface ApiClientOptions {
  /** Address of the API. Ends with a slash. */
  readonly apiBase: URL;
  readonly session: TokenSession;
  /** Counters of calls and retries, which the client increments. */
  readonly statistics: CallStatistics;
  readonly onBytes: BodyOptions["onBytes"];
}

/** A started read. The response is not stored here. */
interface LastRead {
  readonly token: string | undefined;
  /** Time on the monotonic clock, in milliseconds. */
  readonly startedAt: number;
  readonly succeeded: Promise<boolean>;
}

/** Time for which a successful read proves the token, in milliseconds. A token can be revoked at any time. */
const ACCEPTED_TTL_MS = 60_000;

function didSucceed(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

/** Creates a client of the API at `apiBase`. */
export function createApiClient({ apiBase, session, statistics, onBytes }: ApiClientOptions): ApiClient {
  let lastRead: LastRead | undefined;

  async function send(
    call: ApiCall<unknown>,
    fetch: typeof fetchBuffered,
    token: string | undefined,
    options: CallOptions,
  ): Promise<ApiResponse> {
    const request = toRequest(call, token, options);
    const body: BodyOptions = { maxBytes: call.maxBytes, onBytes };
    const response = await fetch(new URL(call.path, apiBase), request, body).catch((error: unknown) => {
      // `fetch` throws a TypeError for a network failure.
      throw error instanceof TypeError ? unreachableError() : error;
    });
    const { status, isSuccess, text, ageSeconds, retryAfterSeconds } = response;
    if (status === 304 && call.cachedVersion !== undefined) return { ageSeconds, body: undefined };
    if (!isSuccess && status !== 304) throw new BackendResponseError(status, parseErrorBody(text), retryAfterSeconds);
    return { ageSeconds, body: parseSuccessBody(text) };
  }

  return {
    call<Value>(createCall: () => ApiCall<Value>, options: CallOptions) {
      let call: ApiCall<Value> | undefined;
      const fetch = withCounter(statistics, "calls", fetchBuffered);
      return session.withToken(options.signal, async (token, hasEnded) => {
        const created = (call ??= createCall());
        const sendOnce = () => send(created, fetch, token, options);
        if (created.body !== undefined) return created.parse(await sendOnce());
        const pendingResponse = sendWithRetries(sendOnce, options);
        lastRead = { token, startedAt: performance.now(), succeeded: didSucceed(pendingResponse) };
        const response = await pendingResponse;
        // A read of the ended session would bring its availabilities back. A write has happened.
        if (hasEnded?.()) throw unauthorizedError();
        return created.parse(response);
      });
    },
    isTokenAccepted: async (token) =>
      lastRead !== undefined &&
      lastRead.token === token &&
      performance.now() - lastRead.startedAt < ACCEPTED_TTL_MS &&
      lastRead.succeeded,
  };
}

/** Wraps `send` with a counter: the first call counts under `counter`, every later call as a retry. */
export function withCounter<Args extends readonly unknown[], Value>(
  statistics: CallStatistics,
  counter: "calls" | "streams",
  send: (...args: Args) => Value,
): (...args: Args) => Value {
  let name: keyof CallStatistics = counter;
  return (...args) => {
    statistics[name] += 1;
    name = "retries";
    return send(...args);
  };
}

/** Options of every call to `fetch`. */
export const FETCH_OPTIONS = {
  redirect: "manual",
  // As the document was requested: without credentials a browser opens another connection, which takes a round trip or more.
  credentials: "same-origin",
  // After a revalidation the HTTP cache returns the stored wrap-up time, which has run down since.
  cache: "no-store",
} as const;

/** Creates the headers that carry the page's token. */
export function authorizationHeaders(token: string | undefined): { readonly authorization?: string } {
  return token ? { authorization: `Bearer ${token}` } : {};
}

function toRequest(
  { cachedVersion, body }: ApiCall<unknown>,
  token: string | undefined,
  options: CallOptions,
): RequestInit {
  const { signal, traceparent } = options;
  return {
    ...FETCH_OPTIONS,
    ...(body !== undefined && { method: "PUT", body: JSON.stringify(body) }),
    headers: {
      ...authorizationHeaders(token),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(traceparent && { traceparent }),
      ...(cachedVersion !== undefined && { "if-none-match": `"${cachedVersion}"` }),
    },
    signal,
  };
}

/**
 * Runs `send`, and runs it again after a failure that another attempt may mend: a network failure, and a status of
 * `RETRYABLE_STATUSES`. The delay is the backend's `Retry-After`, or else random, so that widgets that failed together come
 * back apart. Does not retry if the delay may last until the deadline, which bounds the call with all retries.
 */
async function sendWithRetries<Value>(send: () => Promise<Value>, { signal, deadline }: CallOptions): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      const retryAfterSeconds = error instanceof BackendResponseError ? error.retryAfterSeconds : undefined;
      const maxDelayMs = retryAfterSeconds === undefined ? maxRetryDelayMs(attempt) : retryAfterSeconds * 1_000;
      if (attempt > MAX_RETRIES || !isRetryable(error) || maxDelayMs >= deadline.remainingMs()) throw error;
      await delay(retryAfterSeconds === undefined ? Math.random() * maxDelayMs : maxDelayMs, signal);
    }
  }
}

function isRetryable(error: unknown): boolean {
  if (error instanceof BackendResponseError) return RETRYABLE_STATUSES.includes(error.status);
  return error instanceof BridgeRejectionError && error.rejection.code === "BACKEND_UNREACHABLE";
}

/** Resolves after the delay. @throws the signal's reason, as soon as the signal aborts. */
function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** Creates the error of a read that was answered after the end of its session, and of a token that the backend rejects. */
export function unauthorizedError(): BackendResponseError {
  return new BackendResponseError(401, undefined);
}

/** Creates the error that rejects a request if the backend cannot be reached. */
export function unreachableError(): BridgeRejectionError {
  return new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached");
}

function parseErrorBody(text: string): Json {
  const body = parseJson(text);
  return body === undefined ? { message: text } : body;
}

function parseSuccessBody(text: string): Json {
  const body = parseJson(text);
  if (body === undefined) throw new BridgeRejectionError("INVALID_RESPONSE", "The backend's response is not JSON");
  return body;
}

/** Parses a text as JSON; `undefined` if the text is not JSON. */
function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
