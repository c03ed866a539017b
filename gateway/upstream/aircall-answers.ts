import * as v from "valibot";
import { UserId } from "../../shared/contracts/availability.ts";

/** What the API says of one agent in a list. */
export interface ListedUser {
  readonly id: number;
  readonly availability: string;
}

/** A page of `GET /v1/users/availabilities`. Only what is used of it; whatever else there is may change. */
export const AvailabilityPage = v.object({
  users: v.array(v.object({ id: UserId, availability: v.string() })),
  meta: v.object({ current_page: v.number(), next_page_link: v.nullish(v.string()) }),
});

/** The answer of `GET /v1/users/:id/availability`. It does not say whose it is. */
export const UserAvailability = v.object({ availability: v.string() });
