import * as v from "valibot";
import type { Issue } from "./rejection.ts";

/** What a schema found, as issues. `root` names what was checked and begins each path; without it paths begin inside. */
export function toIssues(found: readonly v.BaseIssue<unknown>[], root = ""): readonly Issue[] {
  return found.map((issue) => ({
    path: [root, v.getDotPath(issue)].filter(Boolean).join("."),
    expected: issue.message,
  }));
}
