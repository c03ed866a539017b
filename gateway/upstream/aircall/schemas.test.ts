import * as v from "valibot";
import { expect, test } from "vitest";
import { AvailabilityPage } from "./schemas.ts";

test("accepts a page with an agent of unreadable status, so that the others are listed", () => {
  const users = [
    { id: 1, availability: "available" },
    { id: 2, availability: null },
    { id: 3, availability: 7 },
    { id: 4 },
  ];
  const page = v.parse(AvailabilityPage, { users, meta: { current_page: 1 } });
  expect(page.users.map(({ availability }) => availability)).toEqual(["available", "null", "7", "null"]);
});

test("rejects a page with an agent without an id", () => {
  const users = [{ id: null, availability: "available" }];
  expect(v.is(AvailabilityPage, { users, meta: { current_page: 1 } })).toBe(false);
});
