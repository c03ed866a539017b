import type { CachedReading } from "../availability-service.ts";
import { toAvailability } from "../store/agent.ts";
import { createAgentCache } from "./agent-cache.ts";
import { representAvailability } from "./routes/availability.ts";
import { SECURITY_HEADER_PAIRS } from "./security-headers.ts";

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

/**
 * Creates responses from agents, and caches a response until the agent changes. A response with a running wrap-up time,
 * or with an age, is not cached.
 */
export function createResponseCache(): (reading: CachedReading) => CachedResponse {
  const cache = createAgentCache<CachedResponse>(MAX_ENTRIES);
  return ({ agent, ageSeconds, validAtMs }) => {
    const cached = ageSeconds === 0 ? cache.get(agent) : undefined;
    if (cached) return cached;
    const availability = toAvailability(agent, validAtMs);
    const response = toCachedResponse(representAvailability(availability, ageSeconds));
    if (ageSeconds === 0 && !availability.wrapUpTimeTtl) cache.set(agent, response);
    return response;
  };
}

function toCachedResponse({
  etag,
  contentType,
  body,
  headers,
}: ReturnType<typeof representAvailability>): CachedResponse {
  const notModifiedHeaders = [...SECURITY_HEADER_PAIRS, "ETag", etag, ...Object.entries(headers).flat()];
  const bodyHeaders = ["Content-Type", contentType, "Content-Length", `${Buffer.byteLength(body)}`];
  return { etag, notModifiedHeaders, headers: [...notModifiedHeaders, ...bodyHeaders], body };
}
