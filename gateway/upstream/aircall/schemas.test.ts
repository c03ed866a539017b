import * as v from "valibot";
import { expect, test } from "vitest";
import { AvailabilityPage } from "./schemas.ts";

test("reads a page on which nothing can be said of one agent, so that the others are seen", () => {
  const users = [
    { id: 1, availability: "available" },
    { id: 2, availability: null },
    { id: 3, availability: 7 },
    { id: 4 },
  ];
  const page = v.parse(AvailabilityPage, { users, meta: { current_page: 1 } });
  expect(page.users.map(({ availability }) => availability)).toEqual(["available", "null", "7", "null"]);
});

test("refuses a page that names nobody in particular", () => {
  const users = [{ id: null, availability: "available" }];
  expect(v.is(AvailabilityPage, { users, meta: { current_page: 1 } })).toBe(false);
});
