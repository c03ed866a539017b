import * as v from "valibot";
import { Availability } from "../shared/contracts/availability.ts";
import { toIssues } from "../shared/protocol/issues.ts";
import { describeIssue } from "../shared/protocol/rejection.ts";
import type { GivenAvailability } from "./given-availability.ts";

/**
 * Checks an availability of a test by the contract, and completes it.
 *
 * @param name Name of the availability in messages, such as `availabilities.123`.
 * @throws {TypeError} when the user id or the availability does not match the contract; the message names the field.
 */
export function parseAvailability(
  userId: number,
  given: GivenAvailability,
  version: number,
  name: string,
): Availability {
  const fields = typeof given === "string" ? { status: given } : given;
  const result = v.safeParse(Availability, { ...fields, userId, version });
  if (result.success) return result.output;
  const faults = toIssues(result.issues, name).map(describeIssue);
  throw new TypeError(`${faults.join("; ")}, not ${JSON.stringify({ userId, ...fields })}`);
}
