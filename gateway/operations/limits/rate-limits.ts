import { type Clock, systemClock } from "../../clock.ts";
import type { CustomerLimits } from "../../settings/customer-settings.ts";
import type { Limit } from "../metrics/metrics.ts";
import type { LimitExceeded } from "./limit-exceeded.ts";
import { createStreamShares, type StreamPlaces } from "./stream-shares.ts";
import { type BucketKey, createTokenBuckets } from "./token-bucket.ts";
import { type CountUnread, createUnreadLimit } from "./unread-lists.ts";

/** Key of a client within its customer: all tokens of a subject are one client. */
export interface RateLimitKey {
  readonly customer: string;
  /** The token's subject, or `network` and the network of a request without a token. */
  readonly subject: BucketKey;
}

/** Limits of the customers at this gateway. Requests of an unknown customer are not counted. */
export interface RateLimits {
  /**
   * Counts a request for so many agents by id. Returns the exceeded limit; the request costs nothing then.
   * @default no agents
   */
  countRequest(client: RateLimitKey, agents?: number): LimitExceeded | undefined;
  /** Counts agents or changes that the gateway has formatted for an accepted request, beside the request itself. */
  countFormatted(client: RateLimitKey, count: number): void;
  /** Counts a stream until the returned function is called. Returns the limit if it is exceeded. */
  countStream(client: RateLimitKey): LimitExceeded | (() => void);
  /** Counts a long list until the returned function is called. Returns the limit of unread lists if it is exceeded. */
  countUnread(client: RateLimitKey): LimitExceeded | (() => void);
  /** Counts a request with a bad token or secret from a network. Returns the limit if it is exceeded. */
  countRejection(network: string): LimitExceeded | undefined;
  /** Sets the limits of the customers from now on. What was counted of a customer that remains still counts. */
  setLimits(limits: ReadonlyMap<string, CustomerLimits>): void;
}

/** Requests with a bad token or secret that are answered as such, by network. */
const REJECTIONS_PER_MINUTE = 600;

/** Number of networks with a count of their own in a minute. Further networks share a limit, so that memory is bounded. */
const MAX_NETWORKS = 100_000;

/**
 * Number of agents to format that cost as much as a request. Formatting fifty takes about as long as the rest of a
 * request.
 */
const AGENTS_PER_UNIT = 50;

/** Converts a number of formatted agents to requests. The first agents are part of the request itself. */
export function toUnits(agents: number): number {
  return Math.floor(agents / AGENTS_PER_UNIT);
}

export interface RateLimitsOptions {
  readonly clock?: Pick<Clock, "monotonicMs">;
  /** Maximum open connections of the gateway, of which streams take a part. @default any number */
  readonly maxConnections?: number;
}

/** Creates counters for customers in the process's memory. Only accepted requests use memory. */
export function createRateLimits(
  limits: ReadonlyMap<string, CustomerLimits>,
  { clock = systemClock, maxConnections = Number.MAX_SAFE_INTEGER }: RateLimitsOptions = {},
): RateLimits {
  const rejections = createTokenBuckets(REJECTIONS_PER_MINUTE);
  const shares = createStreamShares({ maxConnections, customers: () => customers.size });
  let customers = new Map<string, CustomerCounters>();

  function setLimits(next: ReadonlyMap<string, CustomerLimits>): void {
    const former = customers;
    customers = new Map(
      Array.from(next, ([id, own]) => {
        const counters = former.get(id) ?? createCounters(own, clock, shares.ofCustomer());
        counters.setLimits(own);
        return [id, counters];
      }),
    );
  }

  setLimits(limits);
  return {
    setLimits,
    countRequest: ({ customer, subject }, agents = 0) => customers.get(customer)?.countRequest(subject, agents),
    countFormatted: ({ customer, subject }, count) => customers.get(customer)?.addUnits(subject, toUnits(count)),
    countStream: ({ customer, subject }) => customers.get(customer)?.countStream(subject) ?? (() => {}),
    countUnread: ({ customer, subject }) => customers.get(customer)?.countUnread(subject) ?? (() => {}),
    countRejection(given) {
      const network = rejections.size() < MAX_NETWORKS ? given : "others";
      const nowMs = clock.monotonicMs();
      const waitMs = rejections.waitMs(network, nowMs);
      if (waitMs > 0) return toLimitExceeded("refused", REJECTIONS_PER_MINUTE, waitMs);
      rejections.spend(network, nowMs, 1);
      return undefined;
    },
  };
}

/** Counters of a customer. */
interface CustomerCounters {
  countRequest(subject: BucketKey, agents: number): LimitExceeded | undefined;
  addUnits(subject: BucketKey, units: number): void;
  countStream(subject: BucketKey): LimitExceeded | (() => void);
  readonly countUnread: CountUnread;
  setLimits(limits: CustomerLimits): void;
}

type MonotonicClock = Pick<Clock, "monotonicMs">;

/**
 * Creates a customer's counters. A rejected request spends nothing: a client over its limit uses up no requests of the
 * customer's other clients, and only subjects of accepted requests take memory.
 */
function createCounters(
  limits: CustomerLimits,
  { monotonicMs }: MonotonicClock,
  places: StreamPlaces,
): CustomerCounters {
  let current = limits;
  const subjects = createTokenBuckets(limits.requestsPerMinutePerSubject);
  const all = createTokenBuckets(limits.requestsPerMinute);

  function spend(subject: BucketKey, nowMs: number, units: number): void {
    subjects.spend(subject, nowMs, units);
    all.spend("all", nowMs, units);
  }

  return {
    countRequest(subject, agents) {
      const nowMs = monotonicMs();
      const customerWaitMs = all.waitMs("all", nowMs);
      if (customerWaitMs > 0) return toLimitExceeded("customer", current.requestsPerMinute, customerWaitMs);
      const waitMs = subjects.waitMs(subject, nowMs);
      if (waitMs > 0) return toLimitExceeded("subject", current.requestsPerMinutePerSubject, waitMs);
      spend(subject, nowMs, 1 + toUnits(agents));
      return undefined;
    },
    addUnits(subject, units) {
      if (units > 0) spend(subject, monotonicMs(), units);
    },
    countStream: createStreamLimit(() => current, places),
    countUnread: createUnreadLimit(monotonicMs),
    setLimits(next) {
      current = next;
      subjects.setRate(next.requestsPerMinutePerSubject);
      all.setRate(next.requestsPerMinute);
    },
  };
}

function toLimitExceeded(limit: Limit, allowed: number, waitMs: number): LimitExceeded {
  return { limit, allowed, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
}

/** A stream's end cannot be predicted. */
const STREAMS_RETRY_AFTER_SECONDS = 10;

function createStreamLimit(readLimits: () => CustomerLimits, places: StreamPlaces) {
  const open = new Map<BucketKey, number>();

  function findExceeded(ofSubject: number): LimitExceeded | undefined {
    const { streams, streamsPerSubject } = readLimits();
    const retryAfterSeconds = STREAMS_RETRY_AFTER_SECONDS;
    if (ofSubject >= streamsPerSubject) {
      return { limit: "streams_per_subject", allowed: streamsPerSubject, retryAfterSeconds };
    }
    if (places.taken() >= streams) return { limit: "streams", allowed: streams, retryAfterSeconds };
    return places.hasRoom() ? undefined : { limit: "gateway_streams", allowed: places.taken(), retryAfterSeconds };
  }

  return (subject: BucketKey): LimitExceeded | (() => void) => {
    const ofSubject = open.get(subject) ?? 0;
    const exceeded = findExceeded(ofSubject);
    if (exceeded) return exceeded;
    open.set(subject, ofSubject + 1);
    const leave = places.take();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      leave();
      const remaining = (open.get(subject) ?? 0) - 1;
      if (remaining > 0) open.set(subject, remaining);
      else open.delete(subject);
    };
  };
}
