import { type Clock, systemClock } from "../../clock.ts";
import type { CustomerLimits } from "../../settings/customer-settings.ts";
import type { Limit } from "../metrics/metrics.ts";
import { createFixedWindowCounter, type FixedWindow } from "./fixed-window-counter.ts";

/** Key of a client: a customer's token, or the network of requests without a token. */
export interface RateLimitKey {
  readonly customer: string;
  /** A token's key, which has no spaces, or `network` and the network. */
  readonly key: string;
}

/** An exceeded limit. */
export interface LimitExceeded {
  readonly limit: Limit;
  /** Maximum number. */
  readonly allowed: number;
  /** Seconds until a retry can succeed. */
  readonly retryAfterSeconds: number;
}

/** Rate limits of the customers at this gateway. Requests of an unknown customer are not counted. */
export interface RateLimits {
  /** Counts a request. Returns the limit if it is exceeded. */
  countRequest(client: RateLimitKey): LimitExceeded | undefined;
  /** Counts a stream until the returned function is called. Returns the limit if it is exceeded. */
  countStream(client: RateLimitKey): LimitExceeded | (() => void);
  /** Sets the limits of the customers from now on. What was counted of a customer that remains still counts. */
  setLimits(limits: ReadonlyMap<string, CustomerLimits>): void;
}

/** A stream's end cannot be predicted. */
const STREAMS_RETRY_AFTER_SECONDS = 10;

/** Creates counters for customers in the process's memory. Only accepted requests use memory. */
export function createRateLimits(
  limits: ReadonlyMap<string, CustomerLimits>,
  clock: Pick<Clock, "monotonicMs"> = systemClock,
): RateLimits {
  let customers = new Map<string, CustomerCounters>();

  function setLimits(next: ReadonlyMap<string, CustomerLimits>): void {
    const former = customers;
    customers = new Map(
      Array.from(next, ([id, own]) => {
        const counters = former.get(id) ?? createCounters(own, clock);
        counters.setLimits(own);
        return [id, counters];
      }),
    );
  }

  setLimits(limits);
  return {
    setLimits,
    countRequest: ({ customer, key }) => customers.get(customer)?.requests(key),
    countStream: ({ customer, key }) => customers.get(customer)?.streams(key) ?? (() => {}),
  };
}

/** Counters of a customer. */
interface CustomerCounters {
  readonly requests: (key: string) => LimitExceeded | undefined;
  readonly streams: (key: string) => LimitExceeded | (() => void);
  setLimits(limits: CustomerLimits): void;
}

function createCounters(limits: CustomerLimits, clock: Pick<Clock, "monotonicMs">): CustomerCounters {
  let current = limits;
  const read = (): CustomerLimits => current;
  return {
    requests: createRequestLimit(read, clock),
    streams: createStreamLimit(read),
    setLimits(next) {
      current = next;
    },
  };
}

/**
 * Creates a customer's limit of requests. The token's own limit is counted first, so a client over its limit uses up no
 * requests of the customer's other clients. While the customer's limit is exceeded, no token is counted, so only tokens
 * of accepted requests take memory.
 */
function createRequestLimit(readLimits: () => CustomerLimits, { monotonicMs }: Pick<Clock, "monotonicMs">) {
  const tokens = createFixedWindowCounter();
  const customers = createFixedWindowCounter();
  let blockedUntilMs = Number.NEGATIVE_INFINITY;

  return (key: string): LimitExceeded | undefined => {
    const { requestsPerMinutePerToken, requestsPerMinute } = readLimits();
    const nowMs = monotonicMs();
    if (nowMs < blockedUntilMs) return toLimitExceeded("customer", requestsPerMinute, blockedUntilMs - nowMs);
    const token = tokens.increment(key, nowMs);
    if (token.count > requestsPerMinutePerToken) {
      return toLimitExceeded("token", requestsPerMinutePerToken, token.endsAtMs - nowMs);
    }
    const all: FixedWindow = customers.increment("all", nowMs);
    if (all.count >= requestsPerMinute) blockedUntilMs = all.endsAtMs;
    return undefined;
  };
}

function toLimitExceeded(limit: Limit, allowed: number, waitMs: number): LimitExceeded {
  return { limit, allowed, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
}

function createStreamLimit(readLimits: () => CustomerLimits) {
  const open = new Map<string, number>();
  let openTotal = 0;
  return (key: string): LimitExceeded | (() => void) => {
    const { streams, streamsPerToken } = readLimits();
    const openForToken = open.get(key) ?? 0;
    const retryAfterSeconds = STREAMS_RETRY_AFTER_SECONDS;
    if (openForToken >= streamsPerToken)
      return { limit: "streams_per_token", allowed: streamsPerToken, retryAfterSeconds };
    if (openTotal >= streams) return { limit: "streams", allowed: streams, retryAfterSeconds };
    open.set(key, openForToken + 1);
    openTotal += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      openTotal -= 1;
      const remaining = (open.get(key) ?? 0) - 1;
      if (remaining > 0) open.set(key, remaining);
      else open.delete(key);
    };
  };
}
