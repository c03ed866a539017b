import * as v from "valibot";
import { expect, test } from "vitest";
import {
  AVAILABILITY_STATUSES,
  Availabilities,
  Availability,
  availability,
  ChangedAvailability,
} from "./availability.ts";

const plain = { userId: 123, status: "available", version: 1 };
const { payload } = availability["API.FETCH_USER_AVAILABILITY"];

test.each(AVAILABILITY_STATUSES)("takes the status %s", (status) => {
  expect(v.is(Availability, { ...plain, status })).toBe(true);
});

test.each([
  { wrapUpTimeConfig: 30, wrapUpTimeTtl: 30 },
  { wrapUpTimeConfig: 0, wrapUpTimeTtl: 0 },
  { version: 0 },
  { version: Number.MAX_SAFE_INTEGER, userId: Number.MAX_SAFE_INTEGER },
])("takes an availability with %j", (part) => {
  expect(v.is(Availability, { ...plain, ...part })).toBe(true);
});

test.each<object>([
  { wrapUpTimeConfig: 30 },
  { wrapUpTimeTtl: 0 },
  { wrapUpTimeConfig: undefined, wrapUpTimeTtl: undefined },
  { wrapUpTimeConfig: 30, wrapUpTimeTtl: 31 },
  { wrapUpTimeConfig: 30, wrapUpTimeTtl: -1 },
  { wrapUpTimeConfig: 1.5, wrapUpTimeTtl: 1 },
  { version: -1 },
  { version: 2 ** 53 },
  { status: "in_training" },
  { more: 1 },
])("refuses an availability with %o", (part) => {
  expect(v.is(Availability, { ...plain, ...part })).toBe(false);
});

test.each(["123", 1.5, 0, -1, Number.NaN, 2 ** 53, null, [1]])("refuses the user id %j", (userId) => {
  expect(v.is(payload, { variables: { userId } })).toBe(false);
});

test("takes a request for a user and nothing beside it", () => {
  expect(v.is(payload, { variables: { userId: 1 } })).toBe(true);
  expect(v.is(payload, { variables: { userId: 1, all: true } })).toBe(false);
  expect(v.is(payload, { variables: { userId: 1 }, debug: true })).toBe(false);
});

test.each<[object, boolean]>([
  [{}, true],
  [{ wrapUpTimeConfig: 30, wrapUpTimeTtl: 30 }, true],
  [{ wrapUpTimeConfig: 30 }, false],
  [{ wrapUpTimeConfig: 30, wrapUpTimeTtl: 31 }, false],
  [{ updatedAt: -1 }, false],
])("holds an announced change to the same rules: %j", (part, isAccepted) => {
  expect(v.is(ChangedAvailability, { ...plain, updatedAt: 1_700_000_000_000, ...part })).toBe(isAccepted);
});

test("takes each availability of a list under its own user id, and under no other", () => {
  const other = { ...plain, userId: 7 };
  expect(v.is(Availabilities, { 123: plain, 7: other })).toBe(true);
  expect(v.is(Availabilities, { 123: plain, 8: other })).toBe(false);
});
