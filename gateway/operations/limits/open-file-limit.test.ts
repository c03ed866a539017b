import { expect, test } from "vitest";
import { describeOpenFileLimit, readOpenFileLimit } from "./open-file-limit.ts";

test.each([
  [{ userLimits: { open_files: { soft: 500, hard: 1_000 } } }, 500],
  [{ userLimits: { open_files: { soft: "unlimited", hard: "unlimited" } } }, undefined],
  [{}, undefined],
])("reads the limit of the report %j as %s", (report, limit) => {
  expect(readOpenFileLimit(report)).toBe(limit);
});

test.skipIf(process.platform === "win32")("reads a limit that this process has", () => {
  expect(readOpenFileLimit() ?? Infinity).toBeGreaterThan(0);
});

test.each([
  [undefined, false],
  [499, true],
  [500, true],
  [501, false],
])("describes a limit of %s for 500 connections: %s", (limit, isDescribed) => {
  const text = describeOpenFileLimit(limit, 500);
  if (isDescribed) expect(text).toContain(`${limit} open files`);
  else expect(text).toBeUndefined();
});
