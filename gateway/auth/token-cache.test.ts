import { expect, test } from "vitest";
import type { Caller } from "./caller.ts";
import { InvalidTokenError } from "./invalid-token-error.ts";
import { createTokenCache } from "./token-cache.ts";

const START_MS = 1_800_000_000_000;

/** A memory over a verification that takes every token but the bad ones, and the tokens that were verified. */
function remember({ lifeMs = 3_600_000 } = {}) {
  // To the cache a time of 0 means that there is none.
  let monotonicMs = 1;
  let wallMs = START_MS;
  const verified: string[] = [];
  const { verify: recall } = createTokenCache(
    async (token): Promise<Caller> => {
      verified.push(token);
      if (token.startsWith("bad")) throw new InvalidTokenError("It is bad");
      return { subject: 123, scopes: new Set(), key: token, endsAtMs: START_MS + lifeMs };
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
  return { recall, verified, advance, setWall };
}

test("verifies a token once while it is remembered, for five minutes at most", async () => {
  const { recall, verified, advance } = remember();
  await recall("token");
  advance(299_999);
  await recall("token");
  expect(verified).toHaveLength(1);
  advance(2);
  await recall("token");
  expect(verified).toHaveLength(2);
});

test("verifies a token again once it has ended", async () => {
  const { recall, verified, advance } = remember({ lifeMs: 60_000 });
  await recall("token");
  advance(59_999);
  await recall("token");
  expect(verified).toHaveLength(1);
  advance(2);
  await recall("token");
  expect(verified).toHaveLength(2);
});

test("remembers no token for ever that ends at this very moment", async () => {
  const { recall, verified, advance } = remember({ lifeMs: 0 });
  await recall("token");
  advance(1);
  await recall("token");
  expect(verified).toHaveLength(2);
});

test("remembers a token no longer because the machine's clock is put back", async () => {
  const { recall, verified, advance, setWall } = remember();
  await recall("token");
  setWall(START_MS - 3_600_000);
  advance(300_001);
  await recall("token");
  expect(verified).toHaveLength(2);
});

test("verifies a token once for all who bring it at the same time", async () => {
  const { recall, verified } = remember();
  const callers = await Promise.all([recall("token"), recall("token"), recall("token")]);
  expect(verified).toHaveLength(1);
  expect(new Set(callers).size).toBe(1);
});

test("tells all who bring a bad token at the same time, and verifies it again the next time", async () => {
  const { recall, verified } = remember();
  const answers = await Promise.allSettled([recall("bad"), recall("bad")]);
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(verified).toHaveLength(1);
  await expect(recall("bad")).rejects.toThrow(InvalidTokenError);
  expect(verified).toHaveLength(2);
});

test("forgets no good token for any number of bad ones", async () => {
  const { recall, verified } = remember();
  await recall("token");
  await Promise.allSettled(Array.from({ length: 20_000 }, (_, index) => recall(`bad ${index}`)));
  verified.length = 0;
  await recall("token");
  expect(verified).toEqual([]);
});

test("remembers 10,000 tokens, those that were used last", async () => {
  const { recall, verified } = remember();
  for (let index = 0; index < 10_000; index += 1) await recall(`token ${index}`);
  await recall("token 0");
  await recall("one more");
  verified.length = 0;
  await recall("token 0");
  await recall("token 2");
  await recall("one more");
  expect(verified).toEqual([]);
  await recall("token 1");
  expect(verified).toEqual(["token 1"]);
});

test("remembers 8 MiB of tokens, however few they are", async () => {
  const { recall, verified } = remember();
  const tokens = Array.from({ length: 1025 }, (_, index) => `${index}`.padEnd(8192, "x"));
  for (const token of tokens) await recall(token);
  verified.length = 0;
  for (const token of tokens.slice(1)) await recall(token);
  expect(verified).toEqual([]);
  await recall(tokens[0] ?? "");
  expect(verified).toHaveLength(1);
});
