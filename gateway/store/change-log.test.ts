import fc from "fast-check";
import { expect, test } from "vitest";
import { createChangeLog } from "./change-log.ts";

test("knows nothing of what came before its beginning", () => {
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

test("begins anew and forgets", () => {
  const log = createChangeLog(0, 10);
  log.append({ position: 1 });
  log.reset(20);
  expect([log.firstPosition(), log.since(0), log.since(20)]).toEqual([20, undefined, []]);
});

test("tells from any position exactly what came after it, or that it has forgotten some of it", () => {
  const steps = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 80, size: "max" });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 30 }), (gaps, capacity) => {
      const log = createChangeLog(0, capacity);
      const positions: number[] = [];
      for (const gap of gaps) positions.push((positions.at(-1) ?? 0) + gap);
      for (const position of positions) log.append({ position });
      for (let from = 0; from <= (positions.at(-1) ?? 0) + 2; from += 1) {
        const after = positions.filter((position) => position > from);
        const told = log.since(from)?.map(({ position }) => position);
        if (after.length <= capacity) expect(told).toEqual(after);
        else if (told) expect(told).toEqual(after);
        else expect(from).toBeLessThan(log.firstPosition());
      }
    }),
  );
});
