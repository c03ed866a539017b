import type { Issue } from "../../../shared/protocol/rejection.ts";
import { parseUserId, USER_ID } from "./user-id.ts";

/** Maximum number of users in one request. */
export const MAX_USER_IDS = 500;

const EXPECTED = `1 to ${MAX_USER_IDS} user ids with commas between them, such as 1,2,3`;

/** Reason why a list of user ids is invalid. */
export interface InvalidUserIds {
  readonly detail: string;
  readonly issues: readonly Issue[];
}

/** Parses the user ids of a query, without repetitions; `"all"` if the query names no users. */
export function parseUserIds(query: URLSearchParams): { readonly userIds: readonly number[] | "all" } | InvalidUserIds {
  const unknown = [...new Set(query.keys())].filter((name) => name !== "userIds");
  if (unknown.length > 0) {
    const issues = unknown.map((name) => ({ path: name, expected: "no parameter but userIds" }));
    return { detail: `There is no parameter ${quote(unknown)}`, issues };
  }
  const [list, ...more] = query.getAll("userIds");
  if (list === undefined) return { userIds: "all" };
  if (more.length > 0) return toInvalid("userIds is given more than once");
  if (list === "") return toInvalid("userIds is empty");
  return parseList(list.split(","));
}

function parseList(texts: readonly string[]): { readonly userIds: readonly number[] } | InvalidUserIds {
  if (texts.length > MAX_USER_IDS) return toInvalid(`userIds has ${texts.length} user ids`);
  const userIds = new Set<number>();
  const issues: Issue[] = [];
  for (const [index, text] of texts.entries()) {
    const userId = parseUserId(text);
    if (userId === undefined) issues.push({ path: `userIds.${index}`, expected: USER_ID });
    else userIds.add(userId);
  }
  if (issues.length === 0) return { userIds: [...userIds] };
  const invalid = texts.filter((text) => parseUserId(text) === undefined);
  return { detail: `userIds has invalid user ids: ${quote(invalid)}`, issues };
}

function toInvalid(detail: string): InvalidUserIds {
  return { detail, issues: [{ path: "userIds", expected: EXPECTED }] };
}

function quote(texts: readonly string[]): string {
  return texts.map((text) => JSON.stringify(text)).join(", ");
}
