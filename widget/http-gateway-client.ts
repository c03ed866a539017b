import ky, { HTTPError, type Options } from "ky";
import * as v from "valibot";
import { Availabilities, Availability } from "../shared/contracts/availability.ts";
import { toIssues } from "../shared/issues.ts";
import type { Json } from "../shared/json.ts";
import { BackendRefusal, Refusal } from "../shared/rejection.ts";
import { type FeedCall, fetchOverview, openEventStream, reachStream } from "./feed-calls.ts";
import type { CallScope, CallStatistics, GatewayClient } from "./gateway-client.ts";
import type { Session } from "./session.ts";
import { createSharedCalls } from "./shared-calls.ts";
import { readRenewalTime, readSubject } from "./token-claims.ts";
import { fetchWhole } from "./whole-response.ts";

/** Statuses by which a backend says "not now". Any other answer is final. */
const RETRIED_STATUSES = [408, 429, 502, 503, 504];

/** How often a call is repeated at the most. */
const RETRIES = 2;

/** The longest wait before a repetition where the backend does not name one, in milliseconds: 250, then 500. */
function longestDelayMs(attempt: number): number {
  return 125 * 2 ** attempt;
}

/** Users in one call for many, which is what the gateway takes. */
const MAX_BATCH = 500;

/** Creates a client that talks to the gateway over HTTP. `apiBase` ends with a slash. */
export function createHttpGatewayClient(apiBase: URL, session: Session): GatewayClient {
  const statistics: CallStatistics = { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 };
  const streamUrl = new URL("availabilities/stream", apiBase);
  /** The read that was begun last, and whether its token was good. */
  let latestRead: { readonly token: string | undefined; readonly isTaken: Promise<boolean> } | undefined;

  async function call(path: string, scope: CallScope, options?: Options): Promise<unknown> {
    statistics.calls += 1;
    return session.run(scope.signal, async (token) => {
      try {
        const responding = ky(new URL(path, apiBase), { ...callOptions(token, scope), ...options });
        if (!options)
          latestRead = {
            token,
            isTaken: responding.then(
              () => true,
              () => false,
            ),
          };
        const text = await (await responding).text();
        statistics.bytes += text.length;
        return readSuccess(text);
      } catch (error) {
        throw await toRefusal(error);
      }
    });
  }

  async function fetchBatch(userIds: readonly number[], scope: CallScope): Promise<Availabilities> {
    const { availabilities } = parse(AvailabilityList, await call(`availabilities?userIds=${userIds.join()}`, scope));
    return availabilities;
  }

  return {
    statistics,
    fetchAvailability: createSharedCalls(async (userId: number, scope) =>
      readAvailabilityOf(userId, await call(`users/${userId}/availability`, scope)),
    ),
    async fetchAvailabilities(userIds, scope) {
      if (!userIds) return parse(AvailabilityList, await call("availabilities", scope)).availabilities;
      const batches: Promise<Availabilities>[] = [];
      for (let at = 0; at < userIds.length; at += MAX_BATCH) {
        batches.push(fetchBatch(userIds.slice(at, at + MAX_BATCH), scope));
      }
      return Object.assign({}, ...(await Promise.all(batches)));
    },
    async updateOwnAvailability(status, scope) {
      return parse(Availability, await call("users/me/availability", scope, { method: "put", json: { status } }));
    },
    openStream(signal, cursor) {
      statistics.streams += 1;
      const resuming = cursor !== undefined && { "last-event-id": cursor };
      return session.run(signal, (token) => openEventStream(streamUrl, feedCall(signal, token, resuming)));
    },
    readOverview(signal, etag) {
      statistics.calls += 1;
      const held = etag !== undefined && { "if-none-match": etag };
      return session.run(signal, (token) =>
        fetchOverview(new URL("availabilities", apiBase), feedCall(signal, token, held)),
      );
    },
    prove: (signal) =>
      session.run(signal, async (token) => {
        // Nobody's sign-in is in what anyone may read.
        if (token === undefined) return { sharedBy: "anyone", renewAt: Infinity };
        const isProven = latestRead?.token === token && (await latestRead.isTaken);
        if (!isProven) await reachStream(streamUrl, feedCall(signal, token, false));
        const subject = readSubject(token);
        const sharedBy = subject === undefined ? undefined : `subject ${subject}`;
        return { sharedBy, renewAt: readRenewalTime(token, Date.now()) };
      }),
  };
}

/** What every call says to the browser. */
const FETCH_OPTIONS = {
  redirect: "manual",
  credentials: "omit",
  // What a cache revalidates comes back with the wrap-up time of the day it was stored, which has run down since.
  cache: "no-store",
} as const;

function feedCall(signal: AbortSignal, token: string | undefined, headers: Record<string, string> | false): FeedCall {
  return { ...FETCH_OPTIONS, headers: { ...authorization(token), ...headers }, signal };
}

function authorization(token: string | undefined): { readonly authorization?: string } {
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** Many users' availabilities, and why there is none of the others. */
const AvailabilityList = v.object({
  availabilities: Availabilities,
  errors: v.record(v.string(), v.unknown()),
});

function parse<Schema extends v.GenericSchema>(schema: Schema, body: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, body);
  if (result.success) return result.output;
  throw new Refusal("INVALID_RESPONSE", "The backend's answer is not what was asked for", toIssues(result.issues));
}

function callOptions(token: string | undefined, { signal, deadline, traceparent }: CallScope): Options {
  return {
    ...FETCH_OPTIONS,
    headers: { ...authorization(token), ...(traceparent && { traceparent }) },
    fetch: fetchWhole,
    signal,
    // The request's own deadline bounds the call, repetitions and all.
    timeout: false,
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
  const availability = parse(Availability, body);
  if (availability.userId === userId) return availability;
  throw new Refusal("INVALID_RESPONSE", `The backend was asked for user ${userId} and answered for another`);
}
