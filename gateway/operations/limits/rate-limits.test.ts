import { expect, test } from "vitest";
import { createRateLimits, type LimitExceeded } from "./rate-limits.ts";

const LIMITS = { requestsPerMinutePerToken: 2, requestsPerMinute: 5, streams: 3, streamsPerToken: 2 };

/**
 * Creates limits with a clock that the test sets. The limits use only the monotonic clock, so that corrections of the
 * machine's time have no effect.
 */
function limits() {
  let nowMs = 5000;
  const traffic = createRateLimits(
    new Map([
      ["acme", LIMITS],
      ["other", LIMITS],
    ]),
    { monotonicMs: () => nowMs },
  );
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { ...traffic, pass };
}

function countAll(traffic: ReturnType<typeof limits>, keys: string, customer = "acme") {
  return Array.from(keys, (key) => traffic.countRequest({ customer, key })?.limit ?? "accepted");
}

function exceededOf(result: LimitExceeded | (() => void)): LimitExceeded {
  if (typeof result === "function") throw new Error("The stream was accepted");
  return result;
}

function closeOf(result: LimitExceeded | (() => void)): () => void {
  if (typeof result !== "function") throw new Error(`The stream is over the limit ${result.limit}`);
  return result;
}

test("limits each token's requests per minute, and returns the time to wait", () => {
  const traffic = limits();
  expect(countAll(traffic, "aabb")).toEqual(["accepted", "accepted", "accepted", "accepted"]);
  traffic.pass(20_000);
  expect(traffic.countRequest({ customer: "acme", key: "a" })).toEqual({
    limit: "token",
    allowed: 2,
    retryAfterSeconds: 40,
  });
  traffic.pass(39_999);
  expect(traffic.countRequest({ customer: "acme", key: "a" })).toMatchObject({ limit: "token", retryAfterSeconds: 1 });
  traffic.pass(1);
  expect(countAll(traffic, "aaa")).toEqual(["accepted", "accepted", "token"]);
});

test("limits a customer's total requests until a minute after the first", () => {
  const traffic = limits();
  expect(countAll(traffic, "abcdefg")).toEqual([...Array<string>(5).fill("accepted"), "customer", "customer"]);
  traffic.pass(59_500);
  expect(traffic.countRequest({ customer: "acme", key: "h" })).toEqual({
    limit: "customer",
    allowed: 5,
    retryAfterSeconds: 1,
  });
  traffic.pass(500);
  expect(countAll(traffic, "abcdefg")).toEqual([...Array<string>(5).fill("accepted"), "customer", "customer"]);
});

test("does not count a token's requests over its limit against the customer's other tokens", () => {
  const traffic = limits();
  expect(countAll(traffic, "a".repeat(102))).toEqual(["accepted", "accepted", ...Array<string>(100).fill("token")]);
  expect(countAll(traffic, "bbc")).toEqual(["accepted", "accepted", "accepted"]);
});

test("counts each customer separately", () => {
  const traffic = limits();
  countAll(traffic, "abcdefghij");
  expect(countAll(traffic, "aab", "other")).toEqual(["accepted", "accepted", "accepted"]);
});

test("counts nothing for a token while the customer's limit is exceeded", () => {
  const traffic = limits();
  countAll(traffic, "aab");
  traffic.pass(30_000);
  expect(countAll(traffic, "bc")).toEqual(["accepted", "accepted"]);
  expect(countAll(traffic, "ccc")).toEqual(["customer", "customer", "customer"]);
  traffic.pass(30_000);
  // The customer's minute has ended, but only half of the token's.
  expect(countAll(traffic, "cc")).toEqual(["accepted", "token"]);
});

test("limits the open streams of a token and of a customer, until streams end", () => {
  const traffic = limits();
  const take = (key: string) => traffic.countStream({ customer: "acme", key });
  const close = closeOf(take("a"));
  closeOf(take("a"));
  expect(exceededOf(take("a"))).toMatchObject({ limit: "streams_per_token", allowed: 2 });
  closeOf(take("b"));
  expect(exceededOf(take("b"))).toMatchObject({ limit: "streams", allowed: 3 });
  // A second close must not make room for another stream.
  close();
  close();
  closeOf(take("b"));
  expect(exceededOf(take("c"))).toMatchObject({ limit: "streams" });
  closeOf(traffic.countStream({ customer: "other", key: "a" }));
});

test("counts nothing for an unknown customer", () => {
  expect(countAll(limits(), "aaaaaaaa", "nobody")).toEqual(Array(8).fill("accepted"));
});
