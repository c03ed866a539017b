import { expect, onTestFinished, test, vi } from "vitest";
import { createTrafficLimits, type Excess } from "./traffic-limits.ts";

const LIMITS = { requestsPerMinutePerToken: 2, requestsPerMinute: 5, streams: 3, streamsPerToken: 2 };

function limits() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  return createTrafficLimits(
    new Map([
      ["acme", LIMITS],
      ["other", LIMITS],
    ]),
  );
}

async function takeAll(traffic: ReturnType<typeof limits>, keys: string, customer = "acme") {
  const taken: string[] = [];
  for (const key of keys) taken.push((await traffic.takeRequest({ customer, key }))?.limit ?? "taken");
  return taken;
}

function excessOf(taken: Excess | (() => void)): Excess {
  if (typeof taken === "function") throw new Error("The stream was let through");
  return taken;
}

function closeOf(taken: Excess | (() => void)): () => void {
  if (typeof taken !== "function") throw new Error(`The stream is over the limit ${taken.limit}`);
  return taken;
}

test("limits each token's requests in a minute, and says how long to wait", async () => {
  const traffic = limits();
  expect(await takeAll(traffic, "aabb")).toEqual(["taken", "taken", "taken", "taken"]);
  vi.advanceTimersByTime(20_000);
  expect(await traffic.takeRequest({ customer: "acme", key: "a" })).toEqual({
    limit: "token",
    allowed: 2,
    retryAfterSeconds: 40,
  });
  vi.advanceTimersByTime(40_000);
  expect(await takeAll(traffic, "a")).toEqual(["taken"]);
});

test("limits a customer's requests in all, whoever makes them", async () => {
  expect(await takeAll(limits(), "abcdefg")).toEqual([...Array<string>(5).fill("taken"), "customer", "customer"]);
});

test("takes nothing from the other tokens for what a token asks beyond its limit", async () => {
  const traffic = limits();
  expect(await takeAll(traffic, "a".repeat(102))).toEqual(["taken", "taken", ...Array<string>(100).fill("token")]);
  expect(await takeAll(traffic, "bbc")).toEqual(["taken", "taken", "taken"]);
});

test("takes nothing from a customer for what another asks", async () => {
  const traffic = limits();
  await takeAll(traffic, "abcdefghij");
  expect(await takeAll(traffic, "aab", "other")).toEqual(["taken", "taken", "taken"]);
});

test("remembers no token that comes while the customer's limit is used up", async () => {
  const traffic = limits();
  await takeAll(traffic, "abcde");
  const before = vi.getTimerCount();
  for (let index = 0; index < 1000; index += 1) await traffic.takeRequest({ customer: "acme", key: `late-${index}` });
  expect(vi.getTimerCount()).toBe(before);
});

test("forgets a token a minute after it was first seen", async () => {
  const traffic = limits();
  await takeAll(traffic, "abc");
  expect(vi.getTimerCount()).toBeGreaterThan(0);
  vi.advanceTimersByTime(60_000);
  expect(vi.getTimerCount()).toBe(0);
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

test("counts nothing of a customer that does not exist", async () => {
  expect(await takeAll(limits(), "aaaaaaaa", "nobody")).toEqual(Array(8).fill("taken"));
});
