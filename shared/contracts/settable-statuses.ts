/** Statuses that agents set, and the words for them in requests. Apart from the reading, because a page that only shows availabilities needs none of this. */
import { UNAVAILABLE_REASONS } from "./read-availability.ts";

/**
 * Statuses that can be set. The telephony system alone sets the others: `in_call`, `on_mobile`, and `offline` for an agent
 * without an open phone.
 */
export const SETTABLE_STATUSES = ["available", "do_not_disturb", ...UNAVAILABLE_REASONS] as const;

/** Values of `status` in `API.UPDATE_AVAILABILITY`. Requests spell `in_training` correctly. */
export const WRITABLE_STATUSES = [
  "always_opened",
  "auto",
  "always_closed",
  "other",
  "doing_back_office",
  "in_training",
  "on_a_break",
  "out_for_lunch",
] as const;

/** Returns the status that an agent has after a change with the given value: the reason keeps its spelling of the wire. */
export function toSetStatus(
  value: (typeof WRITABLE_STATUSES)[number] | (typeof SETTABLE_STATUSES)[number],
): (typeof SETTABLE_STATUSES)[number] {
  switch (value) {
    case "always_opened":
    case "auto":
      return "available";
    case "always_closed":
      return "do_not_disturb";
    case "in_training":
      return "in_traning";
    default:
      return value;
  }
}
