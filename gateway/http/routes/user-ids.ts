import type { Issue } from "../../../shared/protocol/rejection.ts";
import { parseUserId, USER_ID } from "./user-id.ts";

/** How many users can be asked for at once. */
export const MAX_USER_IDS = 500;

const EXPECTED = `1 to ${MAX_USER_IDS} user ids with commas between them, such as 1,2,3`;

/** Why a list of users cannot be read. */
export interface InvalidUserIds {
  readonly detail: string;
  readonly issues: readonly Issue[];
}

/** The users that a query asks for, each once; all, where it names none. */
export function parseUserIds(query: URLSearchParams): { readonly userIds: readonly number[] | "all" } | InvalidUserIds {
  const unknown = [...new Set(query.keys())].filter((name) => name !== "userIds");
  if (unknown.length > 0) {
    const issues = unknown.map((name) => ({ path: name, expected: "no parameter but userIds" }));
    return { detail: `There is no parameter ${quote(unknown)}`, issues };
  }
  const [list, ...more] = query.getAll("userIds");
  if (list === undefined) return { userIds: "all" };
  if (more.length > 0) return refuse("userIds stands there more than once");
  if (list === "") return refuse("userIds is empty");
  return readList(list.split(","));
}

function readList(texts: readonly string[]): { readonly userIds: readonly number[] } | InvalidUserIds {
  if (texts.length > MAX_USER_IDS) return refuse(`userIds holds ${texts.length} user ids`);
  const userIds = new Set<number>();
  const bad: Issue[] = [];
  for (const [index, text] of texts.entries()) {
    const userId = parseUserId(text);
    if (userId === undefined) bad.push({ path: `userIds.${index}`, expected: USER_ID });
    else userIds.add(userId);
  }
  if (bad.length === 0) return { userIds: [...userIds] };
  const names = texts.filter((text) => parseUserId(text) === undefined);
  return { detail: `userIds holds what is no user id: ${quote(names)}`, issues: bad };
}

function refuse(detail: string): InvalidUserIds {
  return { detail, issues: [{ path: "userIds", expected: EXPECTED }] };
}

function quote(texts: readonly string[]): string {
  return texts.map((text) => JSON.stringify(text)).join(", ");
}
