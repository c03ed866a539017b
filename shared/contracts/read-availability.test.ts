import { expect, test } from "vitest";
import { AVAILABILITY_STATES, readAvailability, UNAVAILABLE_REASONS } from "./read-availability.ts";

test.each(AVAILABILITY_STATES)("reads %s as a state without a reason", (status) => {
  expect(readAvailability({ status })).toEqual({ state: status, reason: null, callable: status === "available" });
});

test.each(UNAVAILABLE_REASONS)("reads %s as the reason not to be disturbed", (status) => {
  expect(readAvailability({ status })).toEqual({ state: "do_not_disturb", reason: status, callable: false });
});

test("reads a status that it does not know as unknown and not callable", () => {
  expect(readAvailability({ status: "asleep" })).toEqual({ state: "unknown", reason: null, callable: false });
});

test("finds an available agent callable once the wrap-up time is over", () => {
  expect(readAvailability({ status: "available", wrapUpTimeTtl: 1 }).callable).toBe(false);
  expect(readAvailability({ status: "available", wrapUpTimeTtl: 0 }).callable).toBe(true);
});
