import * as v from "valibot";
import { Availabilities, Availability, type UserError } from "../../shared/contracts/availability.ts";
import { toIssues } from "../../shared/protocol/issues.ts";
import { BackendResponseError, BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import {
  type ApiCall,
  type ApiResponse,
  authorizationHeaders,
  createApiClient,
  FETCH_OPTIONS,
  unauthorizedError,
  unreachableError,
  withCounter,
} from "./api-client.ts";
import { assertNoRedirect, parseRetryAfter, readBody } from "./buffered-fetch.ts";
import { subtractElapsed } from "./elapsed-time.ts";
import type {
  AvailabilityCache,
  CallOptions,
  CallStatistics,
  GatewayClient,
  LiveRequestOptions,
  LiveResource,
} from "./gateway-client.ts";
import type { TokenSession } from "./session.ts";
import { getRefreshTime, getSubject } from "./token-claims.ts";
import { createUserBatcher, type UserResult } from "./user-batcher.ts";

/** Maximum number of users in one call, as the gateway limits them. */
const MAX_BATCH = 500;

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_LIST_BYTES = 4 * MAX_BODY_BYTES;

/** Creates a client of the gateway over HTTP. `apiBase` ends with a slash. */
export function createHttpGatewayClient(apiBase: URL, session: TokenSession): GatewayClient {
  const statistics: CallStatistics = { calls: 0, coalesced: 0, retries: 0, streams: 0, bytes: 0 };
  const onBytes = (bytes: number): void => {
    statistics.bytes += bytes;
  };
  const apiClient = createApiClient({ apiBase, session, statistics, onBytes });
  let cache: AvailabilityCache | undefined;

  /** Subtracts the response's age from the wrap-up time, and stores the availability. */
  function applyAge(availability: Availability, ageSeconds: number): Availability {
    const aged = subtractElapsed(availability, 1_000 * ageSeconds);
    return cache?.merge(aged) ?? aged;
  }

  function parseList({ body, ageSeconds }: ApiResponse): Map<number, UserResult> {
    const { availabilities, errors } = parse(AvailabilityList, body);
    const results = new Map<number, UserResult>();
    for (const [name, problem] of Object.entries(errors)) {
      if (!v.is(Problem, problem)) throw wrongUserError(name);
      results.set(Number(name), new BackendResponseError(problem.status, problem));
    }
    for (const [name, availability] of Object.entries(availabilities)) {
      if (name !== String(availability.userId)) throw wrongUserError(name);
      results.set(availability.userId, applyAge(availability, ageSeconds));
    }
    return results;
  }

  function createSingleUserCall(userId: number): ApiCall<Map<number, UserResult>> {
    const cached = cache?.get(userId);
    return {
      path: `users/${userId}/availability`,
      maxBytes: MAX_BODY_BYTES,
      cachedVersion: cached?.version,
      parse: ({ body, ageSeconds }) => {
        // The cached wrap-up time counts down by itself, so the response's age does not apply.
        if (cached && body === undefined) return new Map([[userId, applyAge(cached.read(), 0)]]);
        const availability = parse(Availability, body);
        if (availability.userId !== userId) throw wrongUserError(userId);
        return new Map([[userId, applyAge(availability, ageSeconds)]]);
      },
    };
  }

  async function fetchBatch(
    sealBatch: () => readonly number[],
    options: CallOptions,
  ): Promise<ReadonlyMap<number, UserResult>> {
    const createCall = (): ApiCall<Map<number, UserResult>> => {
      const [userId, ...others] = sealBatch();
      if (userId !== undefined && others.length === 0) return createSingleUserCall(userId);
      return { path: `availabilities?userIds=${sealBatch().join()}`, maxBytes: MAX_LIST_BYTES, parse: parseList };
    };
    try {
      return await apiClient.call(createCall, options);
    } catch (error) {
      const [userId, ...others] = sealBatch();
      const isUnknown = error instanceof BackendResponseError && error.status === 404;
      if (userId === undefined || others.length > 0 || !isUnknown) throw error;
      return new Map([[userId, error]]);
    }
  }

  async function fetchLive(
    resource: LiveResource,
    token: string | undefined,
    options: LiveRequestOptions,
  ): Promise<Response> {
    const headers = { ...authorizationHeaders(token), ...options.headers };
    const path = `availabilities${resource === "stream" ? "/stream" : ""}${options.query ?? ""}`;
    const pendingResponse = fetch(new URL(path, apiBase), { ...FETCH_OPTIONS, ...options, headers });
    const response = await pendingResponse.catch((error: unknown) => {
      throw options.signal.aborted ? error : unreachableError();
    });
    if (response.ok || response.status === 304) {
      const body =
        resource === "stream"
          ? response.body && countBytes(response.body, onBytes)
          : await readBody(response, { maxBytes: MAX_LIST_BYTES, onBytes });
      return new Response(body, response);
    }
    await response.body?.cancel();
    assertNoRedirect(response);
    throw new BackendResponseError(response.status, undefined, parseRetryAfter(response.headers));
  }

  const { load, invalidate } = createUserBatcher({
    fetchBatch,
    maxUsers: MAX_BATCH,
    onCoalesced: () => {
      statistics.coalesced += 1;
    },
  });

  return {
    statistics,
    useCache(next) {
      cache = next;
    },
    async fetchAvailability(userId, options) {
      const [result = wrongUserError(userId)] = await load([userId], options);
      if (result instanceof Error) throw result;
      return result;
    },
    async fetchAvailabilities(userIds, options) {
      const results = await load(userIds, options);
      const found: Record<string, Availability | UserError> = {};
      for (const [index, userId] of userIds.entries()) {
        const result = results[index];
        if (!(result instanceof Error)) {
          if (result) found[userId] = result;
        } else if (result.status !== 404) found[userId] = { error: result.body, status: result.status };
      }
      return found;
    },
    fetchAllAvailabilities: (options) =>
      apiClient.call(
        () => ({
          path: "availabilities",
          maxBytes: MAX_LIST_BYTES,
          parse(response) {
            const results = [...parseList(response)];
            return Object.fromEntries(
              results.flatMap(([id, result]) => (result instanceof Error ? [] : [[id, result]])),
            );
          },
        }),
        options,
      ),
    fetchResource: (path, schema, options) =>
      apiClient.call(() => ({ path, maxBytes: MAX_BODY_BYTES, parse: ({ body }) => parse(schema, body) }), options),
    updateOwnAvailability: (status, options) =>
      apiClient.call(
        () => ({
          path: "users/me/availability",
          maxBytes: MAX_BODY_BYTES,
          body: { status },
          parse({ body, ageSeconds }) {
            const changed = applyAge(parse(Availability, body), ageSeconds);
            invalidate(changed.userId);
            return changed;
          },
        }),
        options,
      ),
    openLive(resource, options) {
      const send = withCounter(statistics, resource === "stream" ? "streams" : "calls", fetchLive);
      return session.withToken(options.signal, (token) => send(resource, token, options));
    },
    provideToken: (signal, isAccepted) =>
      session.withToken(signal, async (token) => {
        if (!(await isAccepted(token))) throw unauthorizedError();
      }),
    verifyToken: (signal) =>
      session.withToken(signal, async (token) => {
        if (!(await apiClient.isTokenAccepted(token))) await fetchLive("stream", token, { signal, method: "HEAD" });
        // Without a token the backend returns public data, so all such tabs may share a stream.
        if (token === undefined) return { sharingKey: "anyone", refreshAt: Infinity };
        const subject = getSubject(token);
        const sharingKey = subject === undefined ? undefined : `subject ${subject}`;
        return { sharingKey, refreshAt: getRefreshTime(token, Date.now()) };
      }),
  };
}

/** Passes bytes through and reports the size of each chunk. Firefox has no `TransformStream` before 102. */
function countBytes(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onBytes: (bytes: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      onBytes(value.byteLength);
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** List of availabilities, with a problem for each missing user. */
const AvailabilityList = v.object({
  availabilities: Availabilities,
  errors: v.record(v.string(), v.unknown()),
});

const Problem = v.object({ status: v.number() });

function parse<Schema extends v.GenericSchema>(schema: Schema, body: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, body);
  if (result.success) return result.output;
  throw new BridgeRejectionError(
    "INVALID_RESPONSE",
    "The backend's response does not have the expected shape",
    toIssues(result.issues),
  );
}

function wrongUserError(userId: number | string): BridgeRejectionError {
  return new BridgeRejectionError(
    "INVALID_RESPONSE",
    `The backend's response for user ${userId} is about another user`,
  );
}
