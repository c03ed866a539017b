import * as v from "valibot";
import { Availabilities, Availability } from "../../shared/contracts/availability.ts";
import { toIssues } from "../../shared/protocol/issues.ts";
import { BackendResponseError, BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import {
  type ApiCall,
  type ApiResponse,
  authorizationHeaders,
  createApiClient,
  FETCH_OPTIONS,
  unreachableError,
  withCounter,
} from "./api-client.ts";
import { assertNoRedirect, parseRetryAfter } from "./buffered-fetch.ts";
import type {
  AvailabilityCache,
  CallOptions,
  CallStatistics,
  GatewayClient,
  LivePath,
  LiveRequestOptions,
} from "./gateway-client.ts";
import { subtractElapsed } from "./response-age.ts";
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
    const aged = subtractElapsed(availability, ageSeconds);
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

  async function fetchLive(path: LivePath, token: string | undefined, options: LiveRequestOptions): Promise<Response> {
    const headers = { ...authorizationHeaders(token), ...options.headers };
    const pendingResponse = fetch(new URL(path, apiBase), { ...FETCH_OPTIONS, ...options, headers });
    const response = await pendingResponse.catch((error: unknown) => {
      throw options.signal.aborted ? error : unreachableError();
    });
    const body = response.body?.pipeThrough(countBytes(onBytes));
    if (response.ok || response.status === 304) return new Response(body, response);
    await body?.cancel();
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
      const results = userIds
        ? await load(userIds, options)
        : await apiClient.call(
            () => ({
              path: "availabilities",
              maxBytes: MAX_LIST_BYTES,
              parse: (response) => parseList(response).values(),
            }),
            options,
          );
      const availabilities: Record<string, Availability> = {};
      for (const result of results) if (result && !(result instanceof Error)) availabilities[result.userId] = result;
      return availabilities;
    },
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
    openLive(path, options) {
      const send = withCounter(statistics, path === "availabilities" ? "calls" : "streams", fetchLive);
      return session.withToken(options.signal, (token) => send(path, token, options));
    },
    provideToken: (signal, isAccepted) =>
      session.withToken(signal, async (token) => {
        if (!(await isAccepted(token))) throw new BackendResponseError(401, undefined);
      }),
    verifyToken: (signal) =>
      session.withToken(signal, async (token) => {
        if (!(await apiClient.isTokenAccepted(token)))
          await fetchLive("availabilities/stream", token, { signal, method: "HEAD" });
        // Without a token the backend returns public data, so all such tabs may share a stream.
        if (token === undefined) return { sharingKey: "anyone", refreshAt: Infinity };
        const subject = getSubject(token);
        const sharingKey = subject === undefined ? undefined : `subject ${subject}`;
        return { sharingKey, refreshAt: getRefreshTime(token, Date.now()) };
      }),
  };
}

/** Passes bytes through and reports the size of each chunk. */
function countBytes(
  onBytes: (bytes: number) => void,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(piece, controller) {
      onBytes(piece.byteLength);
      controller.enqueue(piece);
    },
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
