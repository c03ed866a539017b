import fc from "fast-check";
import { expect, test } from "vitest";
import { parseUserId } from "./user-id.ts";
import { parseValidUserIds } from "./user-ids.ts";

test("accepts exactly the lists of which each part is a user id, and lists each once", () => {
  const partArbitrary = fc.oneof(
    fc.integer({ min: 0, max: 20 }).map(String),
    fc.bigInt({ min: 9_007_199_254_740_000n, max: 9_007_199_254_742_000n }).map(String),
    fc.stringMatching(/^\d{0,20}$/),
    fc.constantFrom("", "01", "1e3", "1.0", "-1", "+1", " 1", "1 ", "٣", "0x1", "9007199254740991", "9007199254740992"),
  );
  fc.assert(
    fc.property(fc.array(partArbitrary, { minLength: 1, maxLength: 12 }), fc.nat(12), (parts, maxUserIds) => {
      const userIds = parts.map(parseUserId);
      const isValid = parts.length <= maxUserIds && !userIds.includes(undefined);
      expect(parseValidUserIds(parts.join(), maxUserIds)).toEqual(isValid ? [...new Set(userIds)] : undefined);
    }),
    { numRuns: 2000 },
  );
});
