import fc from "fast-check";
import { expect, test } from "vitest";
import { type StoredAgent, toAvailability } from "../store/agent.ts";
import { createListFormatter } from "./list-formatter.ts";

const agents: readonly StoredAgent[] = [
  { userId: 1, status: "available", version: 1, updatedAt: 1 },
  { userId: 2, status: "do_not_disturb", version: 3, updatedAt: 3, wrapUp: { configuredSeconds: 30, endsAtMs: 9000 } },
  { userId: 3, status: "available", version: 3, updatedAt: 3, wrapUp: { configuredSeconds: 0, endsAtMs: 0 } },
  { userId: Number.MAX_SAFE_INTEGER, status: "in_call", version: 1_760_000_000_000, updatedAt: 1_760_000_000_001 },
];

/** The next version of each agent: another object with the same id. */
const changedAgents = agents.map((agent): StoredAgent => ({ ...agent, status: "offline", version: agent.version + 1 }));

test("formats the agents of each moment, whatever it has formatted before", () => {
  const readingArbitrary = fc.record({
    agents: fc
      .tuple(...agents.map((agent, index) => fc.constantFrom(agent, changedAgents[index] ?? agent)))
      .chain((all) => fc.shuffledSubarray(all)),
    missing: fc.uniqueArray(fc.integer({ min: 4, max: 9 }), { maxLength: 2 }),
    ageSeconds: fc.constantFrom(0, 0, 1, 7),
    validAtMs: fc.nat(10_000),
  });
  fc.assert(
    fc.property(fc.array(readingArbitrary, { maxLength: 40, size: "max" }), (readings) => {
      const format = createListFormatter();
      // Time passes, and a reading with an age shows an earlier moment.
      const inOrder = readings.sort((a, b) => a.validAtMs - b.validAtMs);
      for (const { ageSeconds, validAtMs: readAtMs, ...reading } of inOrder) {
        const validAtMs = readAtMs - ageSeconds * 1000;
        const list: unknown = JSON.parse(format({ ...reading, ageSeconds, validAtMs, cursor: "5f0c9a-17" }));
        expect(list).toEqual({
          availabilities: Object.fromEntries(
            reading.agents.map((agent) => [agent.userId, toAvailability(agent, validAtMs)]),
          ),
          errors: Object.fromEntries(
            reading.missing.map((userId) => [
              userId,
              { type: "about:blank", title: "Not Found", status: 404, detail: `No user ${userId}` },
            ]),
          ),
          updatedAt: Object.fromEntries(reading.agents.map(({ userId, updatedAt }) => [userId, updatedAt])),
          cursor: "5f0c9a-17",
        });
      }
    }),
  );
});

test("formats more agents than it has room for", () => {
  const format = createListFormatter();
  for (let start = 0; start < 50_000; start += 500) {
    const many = Array.from({ length: 500 }, (_, index): StoredAgent => {
      return { userId: start + index + 1, status: "available", version: 1, updatedAt: 1 };
    });
    const text = format({ agents: many, missing: [], ageSeconds: 0, validAtMs: 1, cursor: "a-1" });
    expect(Object.keys(JSON.parse(text).availabilities)).toHaveLength(500);
  }
});
