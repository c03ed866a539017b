import ky, { HTTPError, type Options } from "ky";
import type { Json } from "../../shared/protocol/json.ts";
import { BackendResponseError, BridgeRejectionError, RETRYABLE_STATUSES } from "../../shared/protocol/rejection.ts";
import { type BodyOptions, fetchBuffered, parseRetryAfter } from "./buffered-fetch.ts";
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
    const body: BodyOptions = { maxBytes: call.maxBytes, onBytes };
    const response = await ky(new URL(call.path, apiBase), {
      ...toOptions(call, token, options),
      fetch: (input, init) => fetch(input, init, body),
    });
    const isNotModified = response.status === 304 && call.cachedVersion !== undefined;
    return {
      ageSeconds: Number(response.headers.get("age")),
      body: isNotModified ? undefined : parseSuccessBody(await response.text()),
    };
  }

  return {
    call<Value>(createCall: () => ApiCall<Value>, options: CallOptions) {
      let call: ApiCall<Value> | undefined;
      const fetch = withCounter(statistics, "calls", fetchBuffered);
      return session.withToken(options.signal, async (token) => {
        call ??= createCall();
        const pendingResponse = send(call, fetch, token, options);
        if (call.body === undefined)
          lastRead = { token, startedAt: performance.now(), succeeded: didSucceed(pendingResponse) };
        const response = await pendingResponse.catch(async (error: unknown) => {
          throw await toRejectionError(error);
        });
        return call.parse(response);
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
  credentials: "omit",
  // After a revalidation the HTTP cache returns the stored wrap-up time, which has run down since.
  cache: "no-store",
} as const;

/** Creates the headers that carry the page's token. */
export function authorizationHeaders(token: string | undefined): { readonly authorization?: string } {
  return token ? { authorization: `Bearer ${token}` } : {};
}

function toOptions(
  { cachedVersion, body }: ApiCall<unknown>,
  token: string | undefined,
  { signal, deadline, traceparent }: CallOptions,
): Options {
  return {
    ...FETCH_OPTIONS,
    ...(body !== undefined && { method: "put", json: body }),
    headers: {
      ...authorizationHeaders(token),
      ...(traceparent && { traceparent }),
      ...(cachedVersion !== undefined && { "if-none-match": `"${cachedVersion}"` }),
    },
    signal,
    throwHttpErrors: (status) => status !== 304,
    // The request's deadline bounds the call with all retries.
    timeout: false,
    retry: {
      limit: MAX_RETRIES,
      methods: ["get"],
      statusCodes: [...RETRYABLE_STATUSES],
      afterStatusCodes: [...RETRYABLE_STATUSES],
      delay: maxRetryDelayMs,
      jitter: true,
      // `undefined` leaves the decision to the settings above.
      shouldRetry: ({ error, retryCount }) =>
        isRetryable(error) && maxWaitMs(error, retryCount) < deadline.remainingMs() ? undefined : false,
    },
  };
}

/** True for an HTTP error and for a network failure, which `fetch` throws as a TypeError. False for our own errors and for an abort. */
function isRetryable(error: Error): boolean {
  return error instanceof HTTPError || error instanceof TypeError;
}

function maxWaitMs(error: Error, attempt: number): number {
  const retryAfter = error instanceof HTTPError ? error.response.headers.get("retry-after") : null;
  return retryAfter === null ? maxRetryDelayMs(attempt) : Number(retryAfter) * 1000;
}

async function toRejectionError(error: unknown): Promise<unknown> {
  if (error instanceof HTTPError) {
    const { status, headers } = error.response;
    return new BackendResponseError(status, parseErrorBody(await error.response.text()), parseRetryAfter(headers));
  }
  return error instanceof TypeError ? unreachableError() : error;
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
