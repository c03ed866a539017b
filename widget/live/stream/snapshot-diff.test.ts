import { expect, test } from "vitest";
import { createSnapshotDiff } from "./snapshot-diff.ts";
import { changed } from "./test-scripted-gateway.ts";

const snapshotOf = (cursor: string, ...availabilities: ReturnType<typeof changed>[]) => {
  return { availabilities, ageMs: 7, cursor, etag: cursor };
};

test("gives the first snapshot in full, and its cursor with the end alone", () => {
  expect(createSnapshotDiff()(snapshotOf("a-1", changed(1, 1)), "a-0")).toEqual([
    { type: "reset" },
    { type: "availability", availability: changed(1, 1), ageMs: 7 },
    { type: "current", cursor: "a-1" },
  ]);
});

test("gives only what a later snapshot changes, with the cursor from before", () => {
  const diff = createSnapshotDiff();
  diff(snapshotOf("a-1", changed(1, 1), changed(4, 4)), undefined);
  expect(diff(snapshotOf("a-2", changed(1, 2), changed(3, 9), changed(4, 4)), "a-1")).toEqual([
    { type: "availability", availability: changed(1, 2), ageMs: 7, cursor: "a-1" },
    { type: "availability", availability: changed(3, 9), ageMs: 7, cursor: "a-1" },
    { type: "current", cursor: "a-2" },
  ]);
});

test("gives a later snapshot that lacks a user in full, because it has no version of the removal", () => {
  const diff = createSnapshotDiff();
  diff(snapshotOf("a-1", changed(1, 1), changed(2, 5)), undefined);
  expect(diff({ ...snapshotOf("a-2", changed(1, 1)), unreadable: [3] }, "a-1")).toEqual([
    { type: "reset" },
    { type: "availability", availability: changed(1, 1), ageMs: 7 },
    { type: "unreadable", userId: 3 },
    { type: "current", cursor: "a-2" },
  ]);
});

test("gives a user whom the gateway cannot read any more as unreadable, not as removed", () => {
  const diff = createSnapshotDiff();
  diff(snapshotOf("a-1", changed(1, 1)), undefined);
  expect(diff({ ...snapshotOf("a-1"), unreadable: [1] }, "a-1")).toEqual([
    { type: "unreadable", userId: 1 },
    { type: "current", cursor: "a-1" },
  ]);
});

test("gives no cursor with a change while there is none", () => {
  const diff = createSnapshotDiff();
  diff(snapshotOf("a-1", changed(1, 1)), undefined);
  expect(diff(snapshotOf("a-2", changed(1, 2)), undefined)).toStrictEqual([
    { type: "availability", availability: changed(1, 2), ageMs: 7 },
    { type: "current", cursor: "a-2" },
  ]);
});

test("compares with the latest snapshot: a user who returns is a change, and a removal is not repeated", () => {
  const diff = createSnapshotDiff();
  diff(snapshotOf("a-1", changed(1, 1)), undefined);
  diff(snapshotOf("a-2"), "a-1");
  expect(diff(snapshotOf("a-2"), "a-2")).toEqual([{ type: "current", cursor: "a-2" }]);
  expect(diff(snapshotOf("a-3", changed(1, 1)), "a-2")).toHaveLength(2);
});
