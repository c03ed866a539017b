import { type Clock, systemClock } from "../../clock.ts";
import type { CustomerLimits } from "../../settings/customer-settings.ts";
import type { Limit } from "../metrics/metrics.ts";
import { createFixedWindowCounter, type FixedWindow } from "./fixed-window-counter.ts";

/** Who asks: a token of a customer's, or a network from which requests without one come. */
export interface RateLimitKey {
  readonly customer: string;
  /** A token's key, which has no space in it, or `network` and the network. */
  readonly key: string;
}

/** A limit that a client is over. */
export interface LimitExceeded {
  readonly limit: Limit;
  /** How many are allowed. */
  readonly allowed: number;
  /** When it is worth trying again, in seconds. */
  readonly retryAfterSeconds: number;
}

/** What each customer may ask of this gateway. Of a customer that it has never heard of, nothing is counted. */
export interface RateLimits {
  /** Counts a request. Where it is one too many, says over which limit. */
  takeRequest(client: RateLimitKey): LimitExceeded | undefined;
  /** Counts a stream until the function is called that it returns. Where it is one too many, says over which limit. */
  takeStream(client: RateLimitKey): LimitExceeded | (() => void);
}

/** Streams end when their readers want, so that nobody knows when it is worth trying again. */
const STREAMS_RETRY_AFTER_SECONDS = 10;

/** Counters for these customers, in this process's memory, which grows with the requests that are allowed and with no others. */
export function createRateLimits(
  limits: ReadonlyMap<string, CustomerLimits>,
  clock: Pick<Clock, "monotonicMs"> = systemClock,
): RateLimits {
  const customers = new Map(
    Array.from(limits, ([id, own]) => [id, { requests: countRequests(own, clock), streams: countStreams(own) }]),
  );
  return {
    takeRequest: ({ customer, key }) => customers.get(customer)?.requests(key),
    takeStream: ({ customer, key }) => customers.get(customer)?.streams(key) ?? (() => {}),
  };
}

/**
 * The token's own limit is counted first: a client over it takes nothing from the others of its customer. While the
 * customer's is used up no token's is counted, which bounds how many of them are remembered: each has been let through.
 */
function countRequests(
  { requestsPerMinutePerToken, requestsPerMinute }: CustomerLimits,
  { monotonicMs }: Pick<Clock, "monotonicMs">,
) {
  const tokens = createFixedWindowCounter();
  const customers = createFixedWindowCounter();
  let usedUpUntilMs = Number.NEGATIVE_INFINITY;

  return (key: string): LimitExceeded | undefined => {
    const nowMs = monotonicMs();
    if (nowMs < usedUpUntilMs) return toExcess("customer", requestsPerMinute, usedUpUntilMs - nowMs);
    const token = tokens.take(key, nowMs);
    if (token.count > requestsPerMinutePerToken) {
      return toExcess("token", requestsPerMinutePerToken, token.endsAtMs - nowMs);
    }
    const all: FixedWindow = customers.take("all", nowMs);
    if (all.count >= requestsPerMinute) usedUpUntilMs = all.endsAtMs;
    return undefined;
  };
}

function toExcess(limit: Limit, allowed: number, waitMs: number): LimitExceeded {
  return { limit, allowed, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
}

function countStreams({ streams, streamsPerToken }: CustomerLimits) {
  const open = new Map<string, number>();
  let openInAll = 0;
  return (key: string): LimitExceeded | (() => void) => {
    const ofToken = open.get(key) ?? 0;
    const retryAfterSeconds = STREAMS_RETRY_AFTER_SECONDS;
    if (ofToken >= streamsPerToken) return { limit: "streams_per_token", allowed: streamsPerToken, retryAfterSeconds };
    if (openInAll >= streams) return { limit: "streams", allowed: streams, retryAfterSeconds };
    open.set(key, ofToken + 1);
    openInAll += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      openInAll -= 1;
      const left = (open.get(key) ?? 0) - 1;
      if (left > 0) open.set(key, left);
      else open.delete(key);
    };
  };
}
