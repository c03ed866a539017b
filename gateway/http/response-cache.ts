import type { CachedReading } from "../availability-service.ts";
import { type StoredAgent, toAvailability } from "../store/agent.ts";
import { representAvailability } from "./routes/availability.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

/** An answer to a read of one user, as Node's response takes it. */
export interface CachedResponse {
  readonly etag: string;
  /** Each name with its value behind it, for whoever holds this version already. */
  readonly headersIfHeld: readonly string[];
  /** The same with what a body has. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** How many are kept at most, some 5 MiB. */
const MAX_KEPT = 10_000;

const GUARD_PAIRS = Object.entries(SECURITY_HEADERS).flat();

/**
 * Makes an agent into the answer that says so, once for as long as nothing in it changes: neither while its wrap-up time runs
 * down, nor where it may be old.
 */
export function createResponseCache(): (glimpse: CachedReading) => CachedResponse {
  let kept = new WeakMap<StoredAgent, CachedResponse>();
  let count = 0;

  function keep(agent: StoredAgent, answer: CachedResponse): void {
    // All at once: whom somebody asks for again is soon there again.
    if (count === MAX_KEPT) {
      kept = new WeakMap();
      count = 0;
    }
    kept.set(agent, answer);
    count += 1;
  }

  return ({ agent, ageSeconds, atMs }) => {
    const known = ageSeconds === 0 ? kept.get(agent) : undefined;
    if (known) return known;
    const availability = toAvailability(agent, atMs);
    const answer = toAnswer(representAvailability(availability, ageSeconds));
    if (ageSeconds === 0 && !availability.wrapUpTimeTtl) keep(agent, answer);
    return answer;
  };
}

function toAnswer({ etag, contentType, body, headers }: ReturnType<typeof representAvailability>): CachedResponse {
  const headersIfHeld = [...GUARD_PAIRS, "ETag", etag, ...Object.entries(headers).flat()];
  const ofBody = ["Content-Type", contentType, "Content-Length", `${Buffer.byteLength(body)}`];
  return { etag, headersIfHeld, headers: [...headersIfHeld, ...ofBody], body };
}
