import type { Issue } from "../../../shared/protocol/rejection.ts";
import { parseUserId, USER_ID } from "./user-id.ts";

/** Reason why a list of user ids is invalid. */
export interface InvalidUserIds {
  readonly detail: string;
  readonly issues: readonly Issue[];
}

/**
 * Parses the user ids of a query, without repetitions; `"all"` if the query names no users. More than `maxUserIds` ids,
 * repeated ids included, are invalid.
 */
export function parseUserIds(
  query: URLSearchParams,
  maxUserIds: number,
): { readonly userIds: readonly number[] | "all" } | InvalidUserIds {
  function toInvalid(detail: string): InvalidUserIds {
    const expected = `1 to ${maxUserIds} user ids with commas between them, such as 1,2,3`;
    return { detail, issues: [{ path: "userIds", expected }] };
  }

  const unknown = [...new Set(query.keys())].filter((name) => name !== "userIds");
  if (unknown.length > 0) {
    const issues = unknown.map((name) => ({ path: name, expected: "no parameter but userIds" }));
    return { detail: `There is no parameter ${quote(unknown)}`, issues };
  }
  const [list, ...more] = query.getAll("userIds");
  if (list === undefined) return { userIds: "all" };
  if (more.length > 0) return toInvalid("userIds is given more than once");
  if (list === "") return toInvalid("userIds is empty");
  const userIds = parseValidUserIds(list, maxUserIds);
  if (userIds) return { userIds };
  const texts = list.split(",");
  return texts.length > maxUserIds ? toInvalid(`userIds has ${texts.length} user ids`) : describeInvalid(texts);
}

const [COMMA, ZERO, NINE] = [0x2c, 0x30, 0x39];

/**
 * Parses a list of user ids with commas between them, without repetitions; `undefined` for an invalid list, and for more
 * than `maxUserIds` ids, repeated ids included. Reads digits, because this is a large part of the time that a list takes.
 */
export function parseValidUserIds(list: string, maxUserIds: number): readonly number[] | undefined {
  const userIds = new Set<number>();
  let count = 0;
  let userId = 0;
  for (let index = 0; index <= list.length; index += 1) {
    // The list ends as if a comma followed.
    const code = index === list.length ? COMMA : list.charCodeAt(index);
    if (code === COMMA) {
      count += 1;
      // Zero is the value of an empty text too.
      if (userId === 0 || count > maxUserIds) return undefined;
      userIds.add(userId);
      userId = 0;
    } else {
      // A digit after a zero that stands alone would be lost in the number.
      if (code < ZERO || code > NINE || (userId === 0 && code === ZERO)) return undefined;
      userId = userId * 10 + (code - ZERO);
      if (userId > Number.MAX_SAFE_INTEGER) return undefined;
    }
  }
  return [...userIds];
}

function describeInvalid(texts: readonly string[]): InvalidUserIds {
  const isInvalid = (text: string) => parseUserId(text) === undefined;
  const issues = texts.flatMap((text, index) =>
    isInvalid(text) ? [{ path: `userIds.${index}`, expected: USER_ID }] : [],
  );
  return { detail: `userIds has invalid user ids: ${quote(texts.filter(isInvalid))}`, issues };
}

function quote(texts: readonly string[]): string {
  return texts.map((text) => JSON.stringify(text)).join(", ");
}
