import { expect, test } from "vitest";
import { parseRequestId } from "./request-id.ts";

test.each(["7d1f3c5a", "a.b-c_D", "a".repeat(64)])("keeps the id %j", (id) => {
  expect(parseRequestId(id)).toBe(id);
});

test.each([undefined, "", "a b", 'a"', "a\nb", "é", "a".repeat(65)])("creates an id in place of %j", (header) => {
  expect(parseRequestId(header)).toMatch(/^[\da-f-]{36}$/);
  expect(parseRequestId(header)).not.toBe(parseRequestId(header));
});
