import fc from "fast-check";
import { expect, test } from "vitest";
import type { CachedReading } from "../availability-service.ts";
import type { StoredAgent } from "../store/agent.ts";
import { createResponseCache } from "./response-cache.ts";

const agents: readonly StoredAgent[] = [
  { userId: 1, status: "available", version: 1, updatedAt: 1 },
  { userId: 1, status: "in_call", version: 2, updatedAt: 2 },
  { userId: 2, status: "do_not_disturb", version: 3, updatedAt: 3, wrapUp: { configuredSeconds: 30, endsAtMs: 9000 } },
  { userId: 3, status: "available", version: 3, updatedAt: 3, wrapUp: { configuredSeconds: 0, endsAtMs: 0 } },
];

test("says of an agent at each moment what it would say had nobody asked before", () => {
  const glimpse: fc.Arbitrary<CachedReading> = fc.record({
    agent: fc.constantFrom(...agents),
    ageSeconds: fc.constantFrom(0, 0, 1, 7),
    atMs: fc.nat(10_000),
  });
  fc.assert(
    fc.property(fc.array(glimpse, { maxLength: 40, size: "max" }), (glimpses) => {
      const toAnswer = createResponseCache();
      const inOrder = glimpses.sort((a, b) => a.atMs - b.atMs);
      for (const one of inOrder) expect(toAnswer(one)).toEqual(createResponseCache()(one));
    }),
  );
});

test("makes an answer once for as long as nothing in it changes", () => {
  const toAnswer = createResponseCache();
  const [agent] = agents;
  if (!agent) throw new Error("There is an agent");
  expect(toAnswer({ agent, ageSeconds: 0, atMs: 1 })).toBe(toAnswer({ agent, ageSeconds: 0, atMs: 2 }));
});

test("answers for more agents than it keeps answers of", () => {
  const toAnswer = createResponseCache();
  for (let userId = 1; userId <= 25_000; userId += 1) {
    const agent: StoredAgent = { userId, status: "available", version: userId, updatedAt: 1 };
    expect(toAnswer({ agent, ageSeconds: 0, atMs: 1 }).etag).toBe(`"${userId}"`);
  }
});
