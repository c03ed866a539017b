import { expect, test } from "vitest";
import { Availabilities, Availability, ChangedAvailability, WatchedAvailabilities } from "./availability.ts";
import { eventTraits } from "./contract.ts";
import { announcements, contract } from "./index.ts";

const AVAILABILITY_SCHEMAS: readonly unknown[] = [
  Availabilities,
  Availability,
  ChangedAvailability,
  WatchedAvailabilities,
];

test.each(Object.entries(contract))("%s says in its entry whether it fulfils with availabilities", (_type, entry) => {
  expect(entry.carries === "availability").toBe(AVAILABILITY_SCHEMAS.includes(entry.fulfilled));
});

test.each(Object.entries(announcements))("%s says in its entry whether it announces availabilities", (_type, entry) => {
  expect(entry.carries === "availability").toBe(AVAILABILITY_SCHEMAS.includes(entry.announced));
});

test("lists the events of each trait by the name that they have on the wire", () => {
  const { idempotent, availabilities } = eventTraits(contract, announcements);
  expect(idempotent).toContain("API.FETCH_USER_AVAILABILITY");
  expect(idempotent).not.toContain("API.UPDATE_AVAILABILITY");
  expect(availabilities).toEqual([
    "API.FETCH_USER_AVAILABILITY_FULFILLED",
    "API.FETCH_AVAILABILITIES_FULFILLED",
    "API.UPDATE_AVAILABILITY_FULFILLED",
    "API.WATCH_AVAILABILITIES_FULFILLED",
    "API.CHANGE_WATCHED_USERS_FULFILLED",
    "USER.AVAILABILITY_CHANGED",
    "USER.TEAMMATE_AVAILABILITY_CHANGED",
  ]);
});
