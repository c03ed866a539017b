import fc from "fast-check";
import { expect, test } from "vitest";
import { fitLine, studentQuantile } from "./line-fit.ts";

const finite = fc.integer({ min: -1_000, max: 1_000 });

test("finds the line through collinear points, without an error", () => {
  fc.assert(
    fc.property(finite, finite, fc.integer({ min: 3, max: 30 }), (slope, start, count) => {
      const line = fitLine(Array.from({ length: count }, (_, x) => ({ x, y: start + slope * x })));
      expect(line.slope).toBeCloseTo(slope, 6);
      expect(line.standardError).toBeCloseTo(0, 6);
    }),
  );
});

test("fits the textbook's example: Anscombe's first set", () => {
  const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
  const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
  const line = fitLine(x.map((value, index) => ({ x: value, y: y[index] ?? Number.NaN })));
  expect(line.slope).toBeCloseTo(0.5001, 4);
  expect(line.standardError).toBeCloseTo(0.1179, 4);
  expect(line.interval[0]).toBeCloseTo(0.2334, 3);
  expect(line.interval[1]).toBeCloseTo(0.7668, 3);
});

test("finds no slope in alternating values", () => {
  const { interval } = fitLine(Array.from({ length: 20 }, (_, x) => ({ x, y: x % 2 })));
  expect(interval[0]).toBeLessThan(0);
  expect(interval[1]).toBeGreaterThan(0);
});

test.each([
  [1, 12.706],
  [2, 4.303],
  [3, 3.182],
  [4, 2.776],
  [5, 2.571],
  [9, 2.262],
  [18, 2.101],
  [100, 1.984],
])("returns Student's quantile for %i degrees of freedom", (freedom, quantile) => {
  expect(studentQuantile(freedom)).toBeCloseTo(quantile, 2);
});

test("rejects two points", () => {
  expect(() =>
    fitLine([
      { x: 0, y: 0 },
      { x: 1, y: 1 },
    ]),
  ).toThrow("at least three points, not 2");
});
