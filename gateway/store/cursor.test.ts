import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCursor, toCursorText } from "./cursor.ts";

test("parses every cursor that it has formatted", () => {
  const cursors = fc.record({
    epoch: fc.stringMatching(/^[0-9a-f]{1,32}$/),
    position: fc.nat(1e15 - 1),
  });
  fc.assert(
    fc.property(cursors, (cursor) => {
      expect(parseCursor(toCursorText(cursor))).toEqual(cursor);
    }),
  );
});

test("parses no other text", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const cursor = parseCursor(text);
      if (cursor) expect(toCursorText(cursor)).toBe(text);
    }),
  );
});
