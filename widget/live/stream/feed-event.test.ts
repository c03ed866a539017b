import { expect, test } from "vitest";
import { parseChangedAvailability } from "../../gateway/changed-availability.ts";
import { createFeedEventParser } from "./feed-event.ts";

const parse = createFeedEventParser(parseChangedAvailability);

test("reads every event of the gateway's stream", () => {
  const availability = { userId: 1, status: "available", version: 2, updatedAt: 3 };
  expect(parse("availability", JSON.stringify(availability))).toEqual({ type: "availability", availability, ageMs: 0 });
  expect(parse("removal", '{"userId":1,"version":0}')).toEqual({ type: "removal", userId: 1, version: 0 });
  expect(parse("unreadable", '{"userId":1}')).toEqual({ type: "unreadable", userId: 1 });
  expect(parse("reset", "{}")).toEqual({ type: "reset" });
  expect(parse("current", "{}")).toEqual({ type: "current" });
});

test("ignores an event that a newer gateway may send, whatever its data", () => {
  expect(parse("rumour", "what")).toBeUndefined();
});

test.each([
  ['{"version":1}', "userId"],
  ['{"userId":1}', "version"],
  ['{"userId":"1","version":1}', "userId"],
  ['{"userId":1.5,"version":1}', "userId"],
  ['{"userId":1,"version":-1}', "version"],
  ["null", "userId"],
  ["1", "userId"],
])("rejects the removal %s, and names %s", (data, name) => {
  expect(() => parse("removal", data)).toThrow(`${name}: expected a whole number`);
});
