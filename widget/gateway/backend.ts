import ky, { HTTPError, type Options } from "ky";
import type { Json } from "../../shared/protocol/json.ts";
import { BackendRefusal, RETRYABLE_STATUSES, Refusal } from "../../shared/protocol/rejection.ts";
import type { CallScope, CallStatistics } from "./gateway-client.ts";
import type { Session } from "./session.ts";
import { type BodyOptions, fetchWhole, readRetryAfter } from "./whole-response.ts";

/** How often a call is repeated at the most. */
const RETRIES = 2;

/** The longest wait before a repetition where the backend does not name one, in milliseconds: 250, then 500. */
function longestDelayMs(attempt: number): number {
  return 125 * 2 ** attempt;
}

/** What is asked of the backend. */
export interface BackendCall<Value> {
  /** Below the API's address, with the query. */
  readonly path: string;
  /** What the body of the answer may take. */
  readonly maxBytes: number;
  /** The version that is held of what is asked for, which need not be sent again. */
  readonly heldVersion?: number | undefined;
  /** What is to be written in its place. */
  readonly written?: Json;
  /** What the answer says. @throws {Refusal} `INVALID_RESPONSE`. */
  readonly read: (answer: BackendAnswer) => Value;
}

/** What the backend has answered. */
export interface BackendAnswer {
  /** `undefined` where what is held is what there is. */
  readonly body: Json | undefined;
  /** How long ago the answer was made, in whole seconds, as far as it says. */
  readonly ageSeconds: number;
}

/** HTTP as the widget speaks it, with the page's token. */
export interface Backend {
  /**
   * Calls, and repeats what only reads. `describe` is asked what for when the token is there, once.
   *
   * @throws as `GatewayClient.fetchAvailability` does.
   */
  call<Value>(describe: () => BackendCall<Value>, scope: CallScope): Promise<Value>;
  /** Whether the read that was begun last, not long ago, had this token, or none as well, and was answered with it. */
  hasTaken(token: string | undefined): Promise<boolean>;
}

export interface BackendOptions {
  /** Where the API is. It ends with a slash. */
  readonly apiBase: URL;
  readonly session: Session;
  /** Counts calls and repetitions. */
  readonly statistics: CallStatistics;
  readonly onBytes: BodyOptions["onBytes"];
}

/** A read that has been begun. What it was answered with is not kept. */
interface Read {
  readonly token: string | undefined;
  /** On the monotonic clock, in milliseconds. */
  readonly begunAt: number;
  readonly isAnswered: Promise<boolean>;
}

/** For how long a read says of its token that the backend takes it, in milliseconds: it may be revoked at any time. */
const PROVEN_FOR_MS = 60_000;

function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

/** Creates the way to the backend. */
export function createBackend({ apiBase, session, statistics, onBytes }: BackendOptions): Backend {
  let latestRead: Read | undefined;

  async function send(
    call: BackendCall<unknown>,
    fetch: typeof fetchWhole,
    token: string | undefined,
    scope: CallScope,
  ): Promise<BackendAnswer> {
    const body: BodyOptions = { maxBytes: call.maxBytes, onBytes };
    const response = await ky(new URL(call.path, apiBase), {
      ...toOptions(call, token, scope),
      fetch: (input, init) => fetch(input, init, body),
    });
    const isHeld = response.status === 304 && call.heldVersion !== undefined;
    return {
      ageSeconds: Number(response.headers.get("age")),
      body: isHeld ? undefined : readSuccess(await response.text()),
    };
  }

  return {
    call<Value>(describe: () => BackendCall<Value>, scope: CallScope) {
      let call: BackendCall<Value> | undefined;
      const fetch = counted(statistics, "calls", fetchWhole);
      return session.run(scope.signal, async (token) => {
        call ??= describe();
        const answering = send(call, fetch, token, scope);
        if (call.written === undefined)
          latestRead = { token, begunAt: performance.now(), isAnswered: succeeds(answering) };
        const answer = await answering.catch(async (error: unknown) => {
          throw await toRefusal(error);
        });
        return call.read(answer);
      });
    },
    hasTaken: async (token) =>
      latestRead !== undefined &&
      latestRead.token === token &&
      performance.now() - latestRead.begunAt < PROVEN_FOR_MS &&
      latestRead.isAnswered,
  };
}

/** Counts how often something is sent: the first time by its own name, and then as a repetition. */
export function counted<Args extends readonly unknown[], Value>(
  statistics: CallStatistics,
  what: "calls" | "streams",
  send: (...args: Args) => Value,
): (...args: Args) => Value {
  let name: keyof CallStatistics = what;
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
export function authorization(token: string | undefined): { readonly authorization?: string } {
  return token ? { authorization: `Bearer ${token}` } : {};
}

function toOptions(
  { heldVersion, written }: BackendCall<unknown>,
  token: string | undefined,
  { signal, deadline, traceparent }: CallScope,
): Options {
  return {
    ...FETCH_OPTIONS,
    ...(written !== undefined && { method: "put", json: written }),
    headers: {
      ...authorization(token),
      ...(traceparent && { traceparent }),
      ...(heldVersion !== undefined && { "if-none-match": `"${heldVersion}"` }),
    },
    signal,
    throwHttpErrors: (status) => status !== 304,
    // The request's own deadline bounds the call, repetitions and all.
    timeout: false,
    retry: {
      limit: RETRIES,
      methods: ["get"],
      statusCodes: [...RETRYABLE_STATUSES],
      afterStatusCodes: [...RETRYABLE_STATUSES],
      delay: longestDelayMs,
      jitter: true,
      // `undefined` leaves the decision to the settings above.
      shouldRetry: ({ error, retryCount }) =>
        canBeRepeated(error) && longestWaitMs(error, retryCount) < deadline.remainingMs() ? undefined : false,
    },
  };
}

/** An answer, or a network failure, which `fetch` throws as a TypeError. Not our own refusals, and not an abort. */
function canBeRepeated(error: Error): boolean {
  return error instanceof HTTPError || error instanceof TypeError;
}

function longestWaitMs(error: Error, attempt: number): number {
  const retryAfter = error instanceof HTTPError ? error.response.headers.get("retry-after") : null;
  return retryAfter === null ? longestDelayMs(attempt) : Number(retryAfter) * 1000;
}

async function toRefusal(error: unknown): Promise<unknown> {
  if (error instanceof HTTPError) {
    const { status, headers } = error.response;
    return new BackendRefusal(status, readError(await error.response.text()), readRetryAfter(headers));
  }
  return error instanceof TypeError ? unreachable() : error;
}

/** The refusal of a request for which the backend could not be reached. */
export function unreachable(): Refusal {
  return new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached");
}

function readError(text: string): Json {
  const body = parseJson(text);
  return body === undefined ? { message: text } : body;
}

function readSuccess(text: string): Json {
  const body = parseJson(text);
  if (body === undefined) throw new Refusal("INVALID_RESPONSE", "The backend's answer is not JSON");
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
