import { expect, test } from "vitest";
import type { Caller } from "./caller.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import { createTokenCache } from "./token-cache.ts";

const START_MS = 1_800_000_000_000;

/** Creates a cache over a verification that rejects bad tokens and records each verified token. */
function setUp({ lifetimeMs = 3_600_000 } = {}) {
  // The cache would read a time of 0 as missing.
  let monotonicMs = 1;
  let wallMs = START_MS;
  const verified: string[] = [];
  const { verify } = createTokenCache(
    async (token): Promise<Caller> => {
      verified.push(token);
      if (token.startsWith("bad")) throw new InvalidTokenError("It is bad");
      return { subject: 123, scopes: new Set(), endsAtMs: START_MS + lifetimeMs };
    },
    { wallMs: () => wallMs, monotonicMs: () => monotonicMs },
  );
  const advance = (ms: number): void => {
    monotonicMs += ms;
    wallMs += ms;
  };
  const setWall = (ms: number): void => {
    wallMs = ms;
  };
  return { verify, verified, advance, setWall };
}

test("verifies a cached token once in five minutes", async () => {
  const { verify, verified, advance } = setUp();
  await verify("token");
  advance(299_999);
  await verify("token");
  expect(verified).toHaveLength(1);
  advance(2);
  await verify("token");
  expect(verified).toHaveLength(2);
});

test("verifies a token again once it has expired", async () => {
  const { verify, verified, advance } = setUp({ lifetimeMs: 60_000 });
  await verify("token");
  advance(59_999);
  await verify("token");
  expect(verified).toHaveLength(1);
  advance(2);
  await verify("token");
  expect(verified).toHaveLength(2);
});

test("does not cache a token that expires now", async () => {
  const { verify, verified, advance } = setUp({ lifetimeMs: 0 });
  await verify("token");
  advance(1);
  await verify("token");
  expect(verified).toHaveLength(2);
});

test("caches a token no longer when the wall clock is set back", async () => {
  const { verify, verified, advance, setWall } = setUp();
  await verify("token");
  setWall(START_MS - 3_600_000);
  advance(300_001);
  await verify("token");
  expect(verified).toHaveLength(2);
});

test("verifies a token once for concurrent requests", async () => {
  const { verify, verified } = setUp();
  const callers = await Promise.all([verify("token"), verify("token"), verify("token")]);
  expect(verified).toHaveLength(1);
  expect(new Set(callers).size).toBe(1);
});

test("rejects a bad token for all concurrent requests, and verifies it again the next time", async () => {
  const { verify, verified } = setUp();
  const outcomes = await Promise.allSettled([verify("bad"), verify("bad")]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(verified).toHaveLength(1);
  await expect(verify("bad")).rejects.toThrow(InvalidTokenError);
  expect(verified).toHaveLength(2);
});

test("evicts no valid token for any number of bad tokens", async () => {
  const { verify, verified } = setUp();
  await verify("token");
  await Promise.allSettled(Array.from({ length: 20_000 }, (_, index) => verify(`bad ${index}`)));
  verified.length = 0;
  await verify("token");
  expect(verified).toEqual([]);
});

test("caches the 10,000 tokens used last", async () => {
  const { verify, verified } = setUp();
  for (let index = 0; index < 10_000; index += 1) await verify(`token ${index}`);
  await verify("token 0");
  await verify("one more");
  verified.length = 0;
  await verify("token 0");
  await verify("token 2");
  await verify("one more");
  expect(verified).toEqual([]);
  await verify("token 1");
  expect(verified).toEqual(["token 1"]);
});

test("caches 8 MiB of tokens, even of few long ones", async () => {
  const { verify, verified } = setUp();
  const tokens = Array.from({ length: 1025 }, (_, index) => `${index}`.padEnd(8192, "x"));
  for (const token of tokens) await verify(token);
  verified.length = 0;
  for (const token of tokens.slice(1)) await verify(token);
  expect(verified).toEqual([]);
  await verify(tokens[0] ?? "");
  expect(verified).toHaveLength(1);
});
