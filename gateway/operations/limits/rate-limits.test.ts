import { expect, test } from "vitest";
import { createRateLimits, type LimitExceeded } from "./rate-limits.ts";

const LIMITS = { requestsPerMinutePerToken: 2, requestsPerMinute: 5, streams: 3, streamsPerToken: 2 };

/** Limits by a clock that moves when the test says so. They have no other, so that no correction of the machine's time moves them. */
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

function takeAll(traffic: ReturnType<typeof limits>, keys: string, customer = "acme") {
  return Array.from(keys, (key) => traffic.takeRequest({ customer, key })?.limit ?? "taken");
}

function excessOf(taken: LimitExceeded | (() => void)): LimitExceeded {
  if (typeof taken === "function") throw new Error("The stream was let through");
  return taken;
}

function closeOf(taken: LimitExceeded | (() => void)): () => void {
  if (typeof taken !== "function") throw new Error(`The stream is over the limit ${taken.limit}`);
  return taken;
}

test("limits each token's requests in a minute, and says how long to wait", () => {
  const traffic = limits();
  expect(takeAll(traffic, "aabb")).toEqual(["taken", "taken", "taken", "taken"]);
  traffic.pass(20_000);
  expect(traffic.takeRequest({ customer: "acme", key: "a" })).toEqual({
    limit: "token",
    allowed: 2,
    retryAfterSeconds: 40,
  });
  traffic.pass(39_999);
  expect(traffic.takeRequest({ customer: "acme", key: "a" })).toMatchObject({ limit: "token", retryAfterSeconds: 1 });
  traffic.pass(1);
  expect(takeAll(traffic, "aaa")).toEqual(["taken", "taken", "token"]);
});

test("limits a customer's requests in all, whoever makes them, until a minute after the first", () => {
  const traffic = limits();
  expect(takeAll(traffic, "abcdefg")).toEqual([...Array<string>(5).fill("taken"), "customer", "customer"]);
  traffic.pass(59_500);
  expect(traffic.takeRequest({ customer: "acme", key: "h" })).toEqual({
    limit: "customer",
    allowed: 5,
    retryAfterSeconds: 1,
  });
  traffic.pass(500);
  expect(takeAll(traffic, "abcdefg")).toEqual([...Array<string>(5).fill("taken"), "customer", "customer"]);
});

test("takes nothing from the other tokens for what a token asks beyond its limit", () => {
  const traffic = limits();
  expect(takeAll(traffic, "a".repeat(102))).toEqual(["taken", "taken", ...Array<string>(100).fill("token")]);
  expect(takeAll(traffic, "bbc")).toEqual(["taken", "taken", "taken"]);
});

test("takes nothing from a customer for what another asks", () => {
  const traffic = limits();
  takeAll(traffic, "abcdefghij");
  expect(takeAll(traffic, "aab", "other")).toEqual(["taken", "taken", "taken"]);
});

test("counts nothing for a token that comes while the customer's limit is used up", () => {
  const traffic = limits();
  takeAll(traffic, "aab");
  traffic.pass(30_000);
  expect(takeAll(traffic, "bc")).toEqual(["taken", "taken"]);
  expect(takeAll(traffic, "ccc")).toEqual(["customer", "customer", "customer"]);
  traffic.pass(30_000);
  // The customer's minute is over, and half of the token's.
  expect(takeAll(traffic, "cc")).toEqual(["taken", "token"]);
});

test("limits the streams that a token and a customer have open, until some of them end", () => {
  const traffic = limits();
  const take = (key: string) => traffic.takeStream({ customer: "acme", key });
  const close = closeOf(take("a"));
  closeOf(take("a"));
  expect(excessOf(take("a"))).toMatchObject({ limit: "streams_per_token", allowed: 2 });
  closeOf(take("b"));
  expect(excessOf(take("b"))).toMatchObject({ limit: "streams", allowed: 3 });
  // Closed twice, it still makes room for one.
  close();
  close();
  closeOf(take("b"));
  expect(excessOf(take("c"))).toMatchObject({ limit: "streams" });
  closeOf(traffic.takeStream({ customer: "other", key: "a" }));
});

test("counts nothing of a customer that does not exist", () => {
  expect(takeAll(limits(), "aaaaaaaa", "nobody")).toEqual(Array(8).fill("taken"));
});
