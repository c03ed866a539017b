import { expect, test } from "vitest";
import { readEntries } from "./schemas.ts";

test("reads an agent of unreadable status, so that the others are listed", () => {
  const entries = [
    { id: 1, availability: "available" },
    { id: 2, availability: null },
    { id: 3, availability: 7 },
    { id: 4 },
  ];
  const { users, leftOut } = readEntries(entries);
  expect(users.map(({ availability }) => availability)).toEqual(["available", "null", "7", "null"]);
  expect(leftOut).toBeUndefined();
});

test.each([
  [{ availability: "available" }, "id: expected a whole number of at least 1, but it is missing"],
  [{ id: null, availability: "available" }, "id: expected a whole number of at least 1, but it is null"],
  [{ id: "Ann Smith" }, "id: expected a whole number of at least 1, but it is of type string"],
  [{ id: ["7"] }, "id: expected a whole number of at least 1, but it is an array"],
  [{ id: 1.5 }, "id: expected a whole number of at least 1, but it is another number"],
  [{ id: 0 }, "id: expected a whole number of at least 1, but it is another number"],
  [null, "entry: expected an object, but it is null"],
  ["Ann Smith", "entry: expected an object, but it is of type string"],
])("leaves out an entry that is no agent, and describes it without its values: %j", (entry, problem) => {
  const listed = { id: 1, availability: "available" };
  expect(readEntries([entry, listed, { id: -1 }])).toEqual({ users: [listed], leftOut: { count: 2, problem } });
});
