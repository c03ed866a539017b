import { expect, test } from "vitest";
import type { LimitExceeded } from "./limit-exceeded.ts";
import { createRateLimits, type RateLimitsOptions } from "./rate-limits.ts";

/** A burst of ten seconds is of two requests for a subject, and of five for the customer. */
const LIMITS = { requestsPerMinutePerSubject: 12, requestsPerMinute: 30, streams: 3, streamsPerSubject: 2 };

/**
 * Creates limits with a clock that the test sets. The limits use only the monotonic clock, so that corrections of the
 * machine's time have no effect.
 */
function limits(options: RateLimitsOptions = {}, own: Partial<typeof LIMITS> = {}) {
  let nowMs = 5000;
  const traffic = createRateLimits(
    new Map([
      ["acme", { ...LIMITS, ...own }],
      ["other", { ...LIMITS, ...own }],
    ]),
    { clock: { monotonicMs: () => nowMs }, ...options },
  );
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { ...traffic, pass };
}

function countAll(traffic: ReturnType<typeof limits>, subjects: string, customer = "acme") {
  return Array.from(subjects, (subject) => traffic.countRequest({ customer, subject })?.limit ?? "accepted");
}

function exceededOf(result: LimitExceeded | (() => void)): LimitExceeded {
  if (typeof result === "function") throw new Error("The stream was accepted");
  return result;
}

function closeOf(result: LimitExceeded | (() => void)): () => void {
  if (typeof result !== "function") throw new Error(`The stream is over the limit ${result.limit}`);
  return result;
}

const SEVEN = { customer: "acme", subject: 7 };

test("lets a subject make the requests of ten seconds at once, then one whenever its share of the minute has passed", () => {
  const traffic = limits();
  expect(countAll(traffic, "aabb")).toEqual(["accepted", "accepted", "accepted", "accepted"]);
  expect(traffic.countRequest({ customer: "acme", subject: "a" })).toEqual({
    limit: "subject",
    allowed: 12,
    retryAfterSeconds: 5,
  });
  traffic.pass(4_999);
  expect(countAll(traffic, "a")).toEqual(["subject"]);
  traffic.pass(1);
  expect(countAll(traffic, "aa")).toEqual(["accepted", "subject"]);
});

test("lets no subject make more than its requests of a minute and ten seconds in any minute", () => {
  const traffic = limits();
  let accepted = 0;
  for (let ms = 0; ms < 60_000; ms += 50) {
    if (!traffic.countRequest(SEVEN)) accepted += 1;
    traffic.pass(50);
  }
  expect(accepted).toBe(13);
});

test("limits a customer's total requests", () => {
  const traffic = limits();
  expect(countAll(traffic, "abcdefg")).toEqual([...Array<string>(5).fill("accepted"), "customer", "customer"]);
  traffic.pass(2_000);
  expect(countAll(traffic, "hi")).toEqual(["accepted", "customer"]);
  expect(traffic.countRequest({ customer: "acme", subject: "h" })).toEqual({
    limit: "customer",
    allowed: 30,
    retryAfterSeconds: 2,
  });
});

test("counts fifty named agents as another request", () => {
  const traffic = limits({}, { requestsPerMinutePerSubject: 120 });
  // Twenty at once.
  expect(traffic.countRequest(SEVEN, 49)).toBeUndefined();
  expect(traffic.countRequest({ customer: "acme", subject: 8 }, 199)).toBeUndefined();
  expect(traffic.countRequest(SEVEN)).toMatchObject({ limit: "customer" });
});

test("makes a subject wait for what was formatted for it beyond its limit, and no other subject", () => {
  const traffic = limits({}, { requestsPerMinute: 6_000 });
  expect(traffic.countRequest(SEVEN)).toBeUndefined();
  // Ten requests, at one in five seconds.
  traffic.countFormatted(SEVEN, 500);
  expect(traffic.countRequest(SEVEN)).toMatchObject({ limit: "subject", retryAfterSeconds: 50 });
  expect(traffic.countRequest({ customer: "acme", subject: 8 })).toBeUndefined();
  traffic.pass(50_000);
  expect(traffic.countRequest(SEVEN)).toBeUndefined();
});

test("counts nothing for agents that were formatted before", () => {
  const traffic = limits();
  traffic.countFormatted(SEVEN, 0);
  expect([traffic.countRequest(SEVEN), traffic.countRequest(SEVEN)]).toEqual([undefined, undefined]);
});

test("does not count a subject's requests over its limit against the customer's other subjects", () => {
  const traffic = limits();
  expect(countAll(traffic, "a".repeat(102))).toEqual(["accepted", "accepted", ...Array<string>(100).fill("subject")]);
  expect(countAll(traffic, "bbc")).toEqual(["accepted", "accepted", "accepted"]);
});

test("counts each customer separately", () => {
  const traffic = limits();
  countAll(traffic, "abcdefghij");
  expect(countAll(traffic, "aab", "other")).toEqual(["accepted", "accepted", "accepted"]);
});

test("counts nothing for a subject while the customer's limit is exceeded", () => {
  const traffic = limits();
  countAll(traffic, "abcde");
  expect(countAll(traffic, "fff")).toEqual(["customer", "customer", "customer"]);
  traffic.pass(4_000);
  expect(countAll(traffic, "fff")).toEqual(["accepted", "accepted", "customer"]);
});

test("limits the open streams of a subject and of a customer, until streams end", () => {
  const traffic = limits();
  const take = (subject: string) => traffic.countStream({ customer: "acme", subject });
  const close = closeOf(take("a"));
  closeOf(take("a"));
  expect(exceededOf(take("a"))).toMatchObject({ limit: "streams_per_subject", allowed: 2 });
  closeOf(take("b"));
  expect(exceededOf(take("b"))).toMatchObject({ limit: "streams", allowed: 3 });
  // A second close must not make room for another stream.
  close();
  close();
  closeOf(take("b"));
  expect(exceededOf(take("c"))).toMatchObject({ limit: "streams" });
  closeOf(traffic.countStream({ customer: "other", subject: "a" }));
});

test("leaves places of the gateway's connections for other customers' streams, and for requests", () => {
  const plenty = { streams: 1000, streamsPerSubject: 1000 };
  const traffic = limits({ maxConnections: 100 }, plenty);
  /** Opens streams until one is rejected, and returns the number of open ones. */
  const fill = (customer: string): number => {
    for (let count = 0; ; count += 1) {
      const counted = traffic.countStream({ customer, subject: 7 });
      if (typeof counted === "function") continue;
      expect(counted).toMatchObject({ limit: "gateway_streams", allowed: count, retryAfterSeconds: 10 });
      return count;
    }
  };
  // Of 80 places, as many as are left.
  expect([fill("acme"), fill("other")]).toEqual([40, 20]);
  expect(exceededOf(traffic.countStream({ customer: "acme", subject: 8 }))).toMatchObject({ limit: "gateway_streams" });
});

test("leaves every place for streams to a customer who is alone", () => {
  const traffic = createRateLimits(new Map([["acme", { ...LIMITS, streams: 1000, streamsPerSubject: 1000 }]]), {
    maxConnections: 10,
  });
  const counted = Array.from({ length: 9 }, () => typeof traffic.countStream(SEVEN));
  expect(counted).toEqual([...Array<string>(8).fill("function"), "object"]);
});

test("limits the requests with a bad token or secret of a network", () => {
  const traffic = limits();
  const rejected = Array.from({ length: 101 }, () => traffic.countRejection("192.0.2.7"));
  expect(rejected.slice(0, 100)).toEqual(Array(100).fill(undefined));
  expect(rejected[100]).toEqual({ limit: "refused", allowed: 600, retryAfterSeconds: 1 });
  expect(traffic.countRejection("192.0.2.8")).toBeUndefined();
  traffic.pass(100);
  expect(traffic.countRejection("192.0.2.7")).toBeUndefined();
});

test("counts nothing for an unknown customer", () => {
  const traffic = limits();
  expect(countAll(traffic, "aaaaaaaa", "nobody")).toEqual(Array(8).fill("accepted"));
  traffic.countFormatted({ customer: "nobody", subject: 7 }, 1000);
  closeOf(traffic.countStream({ customer: "nobody", subject: 7 }));
});

test("applies other limits to what was counted before", () => {
  const traffic = limits();
  expect(countAll(traffic, "aaa")).toEqual(["accepted", "accepted", "subject"]);
  const close = closeOf(traffic.countStream({ customer: "acme", subject: "a" }));
  const own = { ...LIMITS, requestsPerMinutePerSubject: 60, requestsPerMinute: 60, streams: 1 };
  traffic.setLimits(new Map([["acme", own]]));
  traffic.pass(1_000);
  expect(countAll(traffic, "aa")).toEqual(["accepted", "subject"]);
  expect(exceededOf(traffic.countStream({ customer: "acme", subject: "b" }))).toMatchObject({ limit: "streams" });
  close();
  closeOf(traffic.countStream({ customer: "acme", subject: "b" }));
  // A customer that is gone is not counted.
  expect(countAll(traffic, "aaaaaa", "other")).toEqual(Array(6).fill("accepted"));
});
