import fc from "fast-check";
import { expect, test } from "vitest";
import { scaleRuns } from "./property-runs.ts";

test("a false property fails its test, with the seed and the shortest counterexample", () => {
  const assertFalse = () =>
    fc.assert(
      fc.property(fc.nat(), (value) => value < 7),
      { seed: 5 },
    );
  expect(assertFalse).toThrow(/seed: 5[^]*Counterexample: \[7\]/);
});

test("a false asynchronous property fails its test as well, with the error of the property as the cause", async () => {
  const error = new Error("seven");
  const property = fc.asyncProperty(fc.constant(7), () => Promise.reject(error));
  await expect(fc.assert(property, { seed: 6 })).rejects.toMatchObject({
    message: expect.stringContaining("seed: 6"),
    cause: error,
  });
});

test("a property without a number of its own has fast-check's 100 runs, times the factor", () => {
  let runs = 0;
  fc.assert(
    fc.property(fc.constant(1), () => {
      runs += 1;
    }),
  );
  expect(runs).toBe(scaleRuns(100));
});
