import * as v from "valibot";
import { UserId } from "../../../shared/contracts/availability.ts";

/** Expected form of a user id, for error messages. */
export const USER_ID = `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`;

/** Path segment of an agent's own availability, in place of a user id. */
export const OWN_USER = "me";

/**
 * Parses a user id; `undefined` for an invalid text. A user has exactly one address, so `01`, `1.0` and `1e3` are
 * invalid.
 */
export function parseUserId(text: string): number | undefined {
  const userId = Number(text);
  return v.is(UserId, userId) && String(userId) === text ? userId : undefined;
}
