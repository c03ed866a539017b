import type { CachedReading } from "../availability-service.ts";
import { type StoredAgent, toAvailability } from "../store/agent.ts";
import { representAvailability } from "./routes/availability.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

/** Response to a read of one user, for Node's response. */
export interface CachedResponse {
  readonly etag: string;
  /** Headers of a 304: names and values in turn. */
  readonly notModifiedHeaders: readonly string[];
  /** Headers of a 200: the headers of a 304, then the body's. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** Maximum number of cached responses, about 5 MiB. */
const MAX_ENTRIES = 10_000;

const SECURITY_PAIRS = Object.entries(SECURITY_HEADERS).flat();

/**
 * Creates responses from agents, and caches a response until the agent changes. A response with a running wrap-up time,
 * or with an age, is not cached.
 */
export function createResponseCache(): (reading: CachedReading) => CachedResponse {
  let cache = new WeakMap<StoredAgent, CachedResponse>();
  let count = 0;

  function store(agent: StoredAgent, response: CachedResponse): void {
    // Clear the whole cache: an agent in use is soon cached again.
    if (count === MAX_ENTRIES) {
      cache = new WeakMap();
      count = 0;
    }
    cache.set(agent, response);
    count += 1;
  }

  return ({ agent, ageSeconds, validAtMs }) => {
    const cached = ageSeconds === 0 ? cache.get(agent) : undefined;
    if (cached) return cached;
    const availability = toAvailability(agent, validAtMs);
    const response = toCachedResponse(representAvailability(availability, ageSeconds));
    if (ageSeconds === 0 && !availability.wrapUpTimeTtl) store(agent, response);
    return response;
  };
}

function toCachedResponse({
  etag,
  contentType,
  body,
  headers,
}: ReturnType<typeof representAvailability>): CachedResponse {
  const notModifiedHeaders = [...SECURITY_PAIRS, "ETag", etag, ...Object.entries(headers).flat()];
  const bodyHeaders = ["Content-Type", contentType, "Content-Length", `${Buffer.byteLength(body)}`];
  return { etag, notModifiedHeaders, headers: [...notModifiedHeaders, ...bodyHeaders], body };
}
