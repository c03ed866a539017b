import fc from "fast-check";
import { expect, test } from "vitest";
import { createTimeFormatter } from "./log-time.ts";

test("formats every time as ISO 8601, in any order", () => {
  const near = fc.integer({ min: 0, max: 3000 }).map((ms) => Date.UTC(2026, 0, 1) + ms);
  const any = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(fc.array(fc.oneof(near, any), { maxLength: 40, size: "max" }), (moments) => {
      const write = createTimeFormatter();
      expect(moments.map(write)).toEqual(moments.map((ms) => new Date(ms).toISOString()));
    }),
  );
});
