import ky, { HTTPError, type Options } from "ky";
import type { Json } from "../../shared/protocol/json.ts";
import { BackendResponseError, BridgeRejectionError, RETRYABLE_STATUSES } from "../../shared/protocol/rejection.ts";
import { type BodyOptions, fetchBuffered, parseRetryAfter } from "./buffered-fetch.ts";
import type { CallOptions, CallStatistics } from "./gateway-client.ts";
import type { TokenSession } from "./session.ts";

/** How often a call is repeated at the most. */
const MAX_RETRIES = 2;

/** The longest wait before a repetition where the backend does not name one, in milliseconds: 250, then 500. */
function maxRetryDelayMs(attempt: number): number {
  return 125 * 2 ** attempt;
}

/** What is asked of the backend. */
export interface ApiCall<Value> {
  /** Below the API's address, with the query. */
  readonly path: string;
  /** What the body of the answer may take. */
  readonly maxBytes: number;
  /** The version that is held of what is asked for, which need not be sent again. */
  readonly cachedVersion?: number | undefined;
  /** What is to be written in its place. */
  readonly body?: Json;
  /** What the answer says. @throws {BridgeRejectionError} `INVALID_RESPONSE`. */
  readonly parse: (response: ApiResponse) => Value;
}

/** What the backend has answered. */
export interface ApiResponse {
  /** `undefined` where what is held is what there is. */
  readonly body: Json | undefined;
  /** How long ago the answer was made, in whole seconds, as far as it says. */
  readonly ageSeconds: number;
}

/** HTTP as the widget speaks it, with the page's token. */
export interface ApiClient {
  /**
   * Calls, and repeats what only reads. `describe` is asked what for when the token is there, once.
   *
   * @throws as `GatewayClient.fetchAvailability` does.
   */
  call<Value>(createCall: () => ApiCall<Value>, options: CallOptions): Promise<Value>;
  /** Whether the read that was begun last, not long ago, had this token, or none as well, and was answered with it. */
  isTokenAccepted(token: string | undefined): Promise<boolean>;
}

export interface ApiClientOptions {
  /** Where the API is. It ends with a slash. */
  readonly apiBase: URL;
  readonly session: TokenSession;
  /** Counts calls and repetitions. */
  readonly statistics: CallStatistics;
  readonly onBytes: BodyOptions["onBytes"];
}

/** A read that has been begun. What it was answered with is not kept. */
interface LastRead {
  readonly token: string | undefined;
  /** On the monotonic clock, in milliseconds. */
  readonly startedAt: number;
  readonly succeeded: Promise<boolean>;
}

/** For how long a read says of its token that the backend takes it, in milliseconds: it may be revoked at any time. */
const ACCEPTED_TTL_MS = 60_000;

function didSucceed(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

/** Creates the way to the backend. */
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

/** Counts how often something is sent: the first time by its own name, and then as a repetition. */
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

/** What every call says to the browser. */
export const FETCH_OPTIONS = {
  redirect: "manual",
  credentials: "omit",
  // What a cache revalidates comes back with the wrap-up time of the day it was stored, which has run down since.
  cache: "no-store",
} as const;

/** What a call with this token says of who calls. */
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
    // The request's own deadline bounds the call, repetitions and all.
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

/** An answer, or a network failure, which `fetch` throws as a TypeError. Not our own refusals, and not an abort. */
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

/** The refusal of a request for which the backend could not be reached. */
export function unreachableError(): BridgeRejectionError {
  return new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached");
}

function parseErrorBody(text: string): Json {
  const body = parseJson(text);
  return body === undefined ? { message: text } : body;
}

function parseSuccessBody(text: string): Json {
  const body = parseJson(text);
  if (body === undefined) throw new BridgeRejectionError("INVALID_RESPONSE", "The backend's answer is not JSON");
  return body;
}

/** The JSON that a text holds; `undefined` where it holds none. */
function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
