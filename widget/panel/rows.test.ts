import { expect, test } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { readAvailability } from "../../shared/contracts/read-availability.ts";
import { listRows, type Row } from "./rows.ts";

const agent = (userId: number, status: Availability["status"], wrapUpTimeTtl = 0): Availability => ({
  userId,
  status,
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl,
  version: 1,
});

const TEAM = [
  agent(12, "offline"),
  agent(3, "available"),
  agent(2, "available", 5),
  agent(1, "out_for_lunch"),
  agent(9, "do_not_disturb"),
  agent(20, "available"),
];

/** Writes rows as `status count` and `user id`. */
const write = (rows: readonly Row[]): unknown[] =>
  rows.map((row) => (row.kind === "heading" ? `${row.status} ${row.count}` : row.availability.userId));

function list(query: string): unknown[] {
  const describe = ({ availability: { userId }, status, reason }: Extract<Row, { kind: "agent" }>): string =>
    `Agent ${userId} ${reason ?? status}`;
  return write(listRows(TEAM, { readAvailability, describe, query }));
}

test("lists who can be called first, then who may be soon, each by user id below the status's heading", () => {
  expect(list("").join()).toBe("available 2,3,20,wrapping_up 1,2,do_not_disturb 2,1,9,offline 1,12");
});

test.each([
  ["12", ["offline 1", 12]],
  ["AGENT 2", ["available 1", 20, "wrapping_up 1", 2, "offline 1", 12]],
  [" lunch  agent ", ["do_not_disturb 1", 1]],
  ["nobody", []],
])("finds the agents whose texts have each word of %j", (query, found) => {
  expect(list(query)).toEqual(found);
});
