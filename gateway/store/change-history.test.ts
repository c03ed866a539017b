import fc from "fast-check";
import { expect, test } from "vitest";
import { type Change, type ChangeHistory, createChangeHistory } from "./change-history.ts";

const CHANGE: Change = { cursor: "abc-1", removedUserId: 1, version: 1 };

function append(history: ChangeHistory, position: number, customerId = "acme"): void {
  history.of(customerId).append({ position, change: CHANGE });
}

function positionsSince(history: ChangeHistory, position: number, customerId = "acme"): readonly number[] | undefined {
  return history
    .of(customerId)
    .since(position)
    ?.map((entry) => entry.position);
}

test("returns undefined for positions before its start", () => {
  const history = createChangeHistory(5, { length: 10 });
  expect([4, 5, 6].map((position) => positionsSince(history, position))).toEqual([undefined, [], []]);
  append(history, 8);
  expect([4, 5, 7, 8].map((position) => positionsSince(history, position))).toEqual([undefined, [8], [8], []]);
});

test("discards all changes on reset", () => {
  const history = createChangeHistory(0, { length: 10 });
  append(history, 1);
  history.reset(20);
  expect([history.firstPosition(), positionsSince(history, 0), positionsSince(history, 20)]).toEqual([
    20,
    undefined,
    [],
  ]);
  expect(history.size()).toEqual({ entries: 0, bytes: 0 });
});

test("discards a quiet customer's changes when another customer is busy", () => {
  const history = createChangeHistory(0, { length: 10 });
  append(history, 1, "quiet");
  for (let position = 2; position <= 30; position += 1) append(history, position, "busy");
  expect([positionsSince(history, 0, "quiet"), positionsSince(history, 20, "quiet")]).toEqual([undefined, []]);
  expect(history.size().entries).toBeLessThanOrEqual(11);
});

test("discards the oldest changes over its bytes, though it is not too long", () => {
  const history = createChangeHistory(0, { length: 1_000, maxBytes: 10_000 });
  for (let position = 1; position <= 900; position += 1) {
    append(history, position, `customer-${position % 7}`);
    expect(history.size().bytes).toBeLessThanOrEqual(10_000);
  }
  const { entries, bytes } = history.size();
  expect(bytes).toBeGreaterThan(8_000);
  expect(history.firstPosition()).toBe(900 - entries);
});

test("discards one customer's changes up to a position, and keeps the changes of others", () => {
  const history = createChangeHistory(0, { length: 10 });
  for (let position = 1; position <= 6; position += 1) append(history, position, position % 2 ? "acme" : "globex");
  const { bytes } = history.size();
  history.of("acme").discard(7);
  append(history, 8);
  expect([0, 6, 7, 8].map((position) => positionsSince(history, position))).toEqual([undefined, undefined, [8], []]);
  expect(positionsSince(history, 0, "globex")).toEqual([2, 4, 6]);
  expect(history.size()).toEqual({ entries: 4, bytes: (bytes / 6) * 4 });
  for (let position = 9; position <= 40; position += 1) append(history, position, "globex");
  expect(history.size().entries).toBeLessThanOrEqual(11);
  expect(positionsSince(history, 39, "globex")).toEqual([40]);
  expect([positionsSince(history, 7), positionsSince(history, 39)]).toEqual([undefined, []]);
});

test("returns each customer's changes after any position, or undefined if some were discarded", () => {
  const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 4 }), customer: fc.constantFrom("a", "b", "c") }), {
    maxLength: 80,
    size: "max",
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 30 }), (gaps, length) => {
      const history = createChangeHistory(0, { length });
      const all: { readonly position: number; readonly customer: string }[] = [];
      for (const { gap, customer } of gaps) {
        all.push({ position: (all.at(-1)?.position ?? 0) + gap, customer });
        append(history, all.at(-1)?.position ?? 0, customer);
        expect(history.size().entries).toBeLessThanOrEqual(length + Math.max(1, length / 10));
      }
      for (let from = 0; from <= (all.at(-1)?.position ?? 0) + 2; from += 1) {
        const after = all.filter(({ position }) => position > from);
        for (const customer of ["a", "b", "c"]) {
          const positions = positionsSince(history, from, customer);
          if (positions || after.length <= length)
            expect(positions).toEqual(
              after.filter((entry) => entry.customer === customer).map(({ position }) => position),
            );
          else expect(from).toBeLessThan(history.firstPosition());
        }
      }
    }),
  );
});
