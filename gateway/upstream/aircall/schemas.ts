import * as v from "valibot";
import { UserId } from "../../../shared/contracts/availability.ts";

/** Agent in a page of the API's list. */
export interface ListedUser {
  readonly id: number;
  readonly availability: string;
}

/**
 * Status of an agent. A value of another type becomes an unknown status: a bad entry must not hide the rest of the
 * list.
 */
const VendorStatus = v.pipe(
  v.unknown(),
  v.transform((status) => (typeof status === "string" ? status : JSON.stringify(status ?? null))),
);

/** Entry of a page, with the used fields only; the rest may change. */
const ListedEntry = v.object({ id: UserId, availability: v.optional(VendorStatus, null) });

/** Page of `GET /v1/users/availabilities`, with the used fields only. Its entries are for `readEntries`. */
export const AvailabilityPage = v.object({
  users: v.array(v.unknown()),
  meta: v.object({ current_page: v.number(), next_page_link: v.nullish(v.string()) }),
});

/** Response of `GET /v1/users/:id/availability`, which lacks the user id. */
export const UserAvailability = v.object({ availability: v.string() });

/** Agents of a page. */
export interface ReadEntries {
  readonly users: readonly ListedUser[];
  /** Entries that are left out. Absent if each entry can be read. */
  readonly leftOut?: LeftOutEntries;
}

/** Entries of a page that cannot be read. */
export interface LeftOutEntries {
  readonly count: number;
  /** The field of the first entry, with the expected and the actual type, without the value, which may be personal. */
  readonly problem: string;
}

/** Reads the entries of a page. An unreadable entry is left out, and must not hide the rest of the list. */
export function readEntries(entries: readonly unknown[]): ReadEntries {
  const users: ListedUser[] = [];
  let problem: string | undefined;
  for (const entry of entries) {
    const read = v.safeParse(ListedEntry, entry);
    if (read.success) users.push(read.output);
    else problem ??= describeIssue(read.issues[0]);
  }
  return problem === undefined ? { users } : { users, leftOut: { count: entries.length - users.length, problem } };
}

/** Describes a bad entry. Of the fields, only `id` can be bad. */
function describeIssue({ path, input }: v.InferIssue<typeof ListedEntry>): string {
  if (!path) return `entry: expected an object, but it is ${toTypeName(input)}`;
  return `id: expected a whole number of at least 1, but it is ${toTypeName(path[0].value)}`;
}

function toTypeName(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return "another number";
  return `of type ${typeof value}`;
}
