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

test("responds for an agent at each moment as without a cache", () => {
  const readingArbitrary: fc.Arbitrary<CachedReading> = fc.record({
    agent: fc.constantFrom(...agents),
    ageSeconds: fc.constantFrom(0, 0, 1, 7),
    validAtMs: fc.nat(10_000),
  });
  fc.assert(
    fc.property(fc.array(readingArbitrary, { maxLength: 40, size: "max" }), (readings) => {
      const getResponse = createResponseCache();
      const inOrder = readings.sort((a, b) => a.validAtMs - b.validAtMs);
      for (const reading of inOrder) expect(getResponse(reading)).toEqual(createResponseCache()(reading));
    }),
  );
});

test("creates a response once while its content does not change", () => {
  const getResponse = createResponseCache();
  const [agent] = agents;
  if (!agent) throw new Error("no agents");
  expect(getResponse({ agent, ageSeconds: 0, validAtMs: 1 })).toBe(getResponse({ agent, ageSeconds: 0, validAtMs: 2 }));
});

test("responds for more agents than it has room for", () => {
  const getResponse = createResponseCache();
  for (let userId = 1; userId <= 25_000; userId += 1) {
    const agent: StoredAgent = { userId, status: "available", version: userId, updatedAt: 1 };
    expect(getResponse({ agent, ageSeconds: 0, validAtMs: 1 }).etag).toBe(`"${userId}"`);
  }
});
