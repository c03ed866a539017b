import * as v from "valibot";
import { UserId } from "../../../shared/contracts/availability.ts";

/** What is expected where a user is named. */
export const USER_ID = `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`;

/** What stands in an address in place of a user's id where an agent means itself. */
export const OWN_USER = "me";

/** The user's id that this text is; `undefined` where it is none. A user has one address: `01`, `1.0` and `1e3` are no ids. */
export function parseUserId(text: string): number | undefined {
  const userId = Number(text);
  return v.is(UserId, userId) && String(userId) === text ? userId : undefined;
}
