import * as v from "valibot";
import type { Issue } from "./rejection.ts";

/** Converts a schema's issues. `root` is the name of the checked value and the first key of each path; without `root` paths begin inside the value. */
export function toIssues(found: readonly v.BaseIssue<unknown>[], root = ""): readonly Issue[] {
  return found.map((issue) => ({
    path: [root, v.getDotPath(issue)].filter(Boolean).join("."),
    expected: issue.message,
  }));
}
