/**
 * The words of an availability and how to read a whole one. Free of valibot, so that a host page can use it.
 *
 * @see docs/use-the-connector.md for the meaning of each status.
 */

/** What an agent is doing, as the telephony backend says it. */
export const AVAILABILITY_STATES = ["offline", "do_not_disturb", "available", "on_mobile", "in_call"] as const;

/**
 * Why an agent is unavailable. A reason stands in `status` in place of the plain `do_not_disturb`.
 * `in_traning` is how the wire spells it.
 */
export const UNAVAILABLE_REASONS = ["out_for_lunch", "on_a_break", "in_traning", "doing_back_office", "other"] as const;

/**
 * The statuses that can be set. The others are not anybody's to choose: `in_call` and `on_mobile` are what the telephony
 * system sees, and `offline` is who has no phone open.
 */
export const SETTABLE_STATUSES = ["available", "do_not_disturb", ...UNAVAILABLE_REASONS] as const;

/** The words by which an agent's own availability is written. `in_training` is spelt right on this side. */
export const WRITTEN_WORDS = [
  "always_opened",
  "auto",
  "always_closed",
  "other",
  "doing_back_office",
  "in_training",
  "on_a_break",
  "out_for_lunch",
] as const;

export type AvailabilityState = (typeof AVAILABILITY_STATES)[number];
export type UnavailableReason = (typeof UNAVAILABLE_REASONS)[number];

/** An availability read for display. */
export interface AvailabilityReading {
  /** The agent's state; `unknown` where the widget is newer than this code and says a word that it does not know. */
  readonly state: AvailabilityState | "unknown";
  /** Why the agent does not want to be disturbed, or `null` where no reason was given. */
  readonly reason: UnavailableReason | null;
  /** True only for `available` with no wrap-up time left. An agent `on_mobile` is not callable. */
  readonly callable: boolean;
}

/** Reads an availability for display: its state, its reason, and whether the agent can be called now. */
export function readAvailability(availability: {
  readonly status: string;
  readonly wrapUpTimeTtl?: number;
}): AvailabilityReading {
  const { status, wrapUpTimeTtl = 0 } = availability;
  const reason = UNAVAILABLE_REASONS.find((word) => word === status) ?? null;
  const state = reason ? "do_not_disturb" : (AVAILABILITY_STATES.find((word) => word === status) ?? "unknown");
  return { state, reason, callable: state === "available" && wrapUpTimeTtl === 0 };
}
