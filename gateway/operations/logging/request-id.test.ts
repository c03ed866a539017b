import { expect, test } from "vitest";
import { readRequestId } from "./request-id.ts";

test.each(["7d1f3c5a", "a.b-c_D", "a".repeat(64)])("keeps the id %j", (id) => {
  expect(readRequestId(id)).toBe(id);
});

test.each([undefined, "", "a b", 'a"', "a\nb", "é", "a".repeat(65)])("makes an id in place of %j", (header) => {
  expect(readRequestId(header)).toMatch(/^[\da-f-]{36}$/);
  expect(readRequestId(header)).not.toBe(readRequestId(header));
});
