import fc from "fast-check";
import { expect, test } from "vitest";
import { createChangeLog } from "./change-log.ts";

test("returns undefined for positions before its start", () => {
  const log = createChangeLog(5, 10);
  expect([log.since(4), log.since(5), log.since(6)]).toEqual([undefined, [], []]);
  log.append({ position: 8 });
  expect([log.since(4), log.since(5), log.since(7), log.since(8)]).toEqual([
    undefined,
    [{ position: 8 }],
    [{ position: 8 }],
    [],
  ]);
});

test("discards all entries on reset", () => {
  const log = createChangeLog(0, 10);
  log.append({ position: 1 });
  log.reset(20);
  expect([log.firstPosition(), log.since(0), log.since(20)]).toEqual([20, undefined, []]);
});

test("returns all entries after any position, or undefined if some were discarded", () => {
  const steps = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 80, size: "max" });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 30 }), (gaps, capacity) => {
      const log = createChangeLog(0, capacity);
      const positions: number[] = [];
      for (const gap of gaps) positions.push((positions.at(-1) ?? 0) + gap);
      for (const position of positions) log.append({ position });
      for (let from = 0; from <= (positions.at(-1) ?? 0) + 2; from += 1) {
        const after = positions.filter((position) => position > from);
        const entries = log.since(from)?.map(({ position }) => position);
        if (after.length <= capacity) expect(entries).toEqual(after);
        else if (entries) expect(entries).toEqual(after);
        else expect(from).toBeLessThan(log.firstPosition());
      }
    }),
  );
});
