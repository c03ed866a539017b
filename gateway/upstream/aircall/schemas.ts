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

/** Page of `GET /v1/users/availabilities`, with the used fields only; the rest may change. */
export const AvailabilityPage = v.object({
  users: v.array(v.object({ id: UserId, availability: v.optional(VendorStatus, null) })),
  meta: v.object({ current_page: v.number(), next_page_link: v.nullish(v.string()) }),
});

/** Response of `GET /v1/users/:id/availability`, which lacks the user id. */
export const UserAvailability = v.object({ availability: v.string() });
