import * as v from "valibot";
import { UserId } from "../../../shared/contracts/availability.ts";

/** What the API says of one agent in a list. */
export interface ListedUser {
  readonly id: number;
  readonly availability: string;
}

/** What is no word is one that nobody knows: one agent of whom nothing can be said must not keep all others from being seen. */
const VendorStatus = v.pipe(
  v.unknown(),
  v.transform((word) => (typeof word === "string" ? word : JSON.stringify(word ?? null))),
);

/** A page of `GET /v1/users/availabilities`. Only what is used of it; whatever else there is may change. */
export const AvailabilityPage = v.object({
  users: v.array(v.object({ id: UserId, availability: v.optional(VendorStatus, null) })),
  meta: v.object({ current_page: v.number(), next_page_link: v.nullish(v.string()) }),
});

/** The answer of `GET /v1/users/:id/availability`. It does not say whose it is. */
export const UserAvailability = v.object({ availability: v.string() });
