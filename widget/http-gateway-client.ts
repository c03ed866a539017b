import ky, { HTTPError, type Options } from "ky";
import * as v from "valibot";
import { Availability } from "../shared/contracts/availability.ts";
import { toIssues } from "../shared/issues.ts";
import type { Json } from "../shared/json.ts";
import { BackendRefusal, Refusal } from "../shared/rejection.ts";
import type { CallScope, GatewayClient } from "./gateway-client.ts";
import { createSharedCalls } from "./shared-calls.ts";
import type { TokenSource } from "./token-source.ts";
import { fetchWhole } from "./whole-response.ts";

/** Statuses by which a backend says "not now". Any other answer is final. */
const RETRIED_STATUSES = [408, 429, 502, 503, 504];

/** How often a call is repeated at the most. */
const RETRIES = 2;

/** The longest wait before a repetition where the backend does not name one, in milliseconds: 250, then 500. */
function longestDelayMs(attempt: number): number {
  return 125 * 2 ** attempt;
}

/** Creates a client that talks to the gateway over HTTP. `apiBase` ends with a slash. */
export function createHttpGatewayClient(apiBase: URL, tokens: TokenSource): GatewayClient {
  async function call(path: string, token: string | undefined, scope: CallScope): Promise<unknown> {
    try {
      const response = await ky.get(new URL(path, apiBase), callOptions(token, scope));
      return readSuccess(await response.text());
    } catch (error) {
      throw await toRefusal(error);
    }
  }

  /** Calls with the page's token. Where the backend refuses it, another one gets one chance. */
  async function get(path: string, scope: CallScope): Promise<unknown> {
    const begunAt = performance.now();
    const credentials = await tokens.take(scope.signal);
    const { token, answeredAt } = credentials;
    try {
      return await call(path, token, scope);
    } catch (error) {
      // A page that has just said that it has no token is not asked again, which may take as long as it did.
      const isFinal = token === undefined && answeredAt >= begunAt;
      if (isFinal || !(error instanceof BackendRefusal && error.status === 401)) throw error;
      const renewed = await tokens.renew(credentials, scope.signal);
      if (renewed.token === undefined || renewed.token === token) throw error;
      return call(path, renewed.token, scope);
    }
  }

  return {
    fetchAvailability: createSharedCalls(async (userId: number, scope) =>
      readAvailabilityOf(userId, await get(`users/${userId}/availability`, scope)),
    ),
  };
}

function callOptions(token: string | undefined, { signal, deadline, traceparent }: CallScope): Options {
  return {
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(traceparent && { traceparent }) },
    fetch: fetchWhole,
    signal,
    // The request's own deadline bounds the call, repetitions and all.
    timeout: false,
    redirect: "manual",
    credentials: "omit",
    // What a cache revalidates comes back with the wrap-up time of the day it was stored, which has run down since.
    cache: "no-store",
    retry: {
      limit: RETRIES,
      methods: ["get"],
      statusCodes: RETRIED_STATUSES,
      afterStatusCodes: RETRIED_STATUSES,
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
    return new BackendRefusal(error.response.status, readError(await error.response.text()));
  }
  if (error instanceof TypeError) {
    return new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached");
  }
  return error;
}

function readError(text: string): Json {
  const body = parseJson(text);
  return body === undefined ? { message: text } : body;
}

function readSuccess(text: string): unknown {
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

function readAvailabilityOf(userId: number, body: unknown): Availability {
  const result = v.safeParse(Availability, body);
  if (!result.success) {
    throw new Refusal("INVALID_RESPONSE", "The backend's answer is not an availability", toIssues(result.issues));
  }
  if (result.output.userId === userId) return result.output;
  throw new Refusal("INVALID_RESPONSE", `The backend was asked for user ${userId} and answered for another`);
}
