/**
 * Statuses of an availability, and the reading of an availability for display. Without valibot, because this file runs on the
 * customer's page.
 *
 * @see docs/add-the-badge.md for the meaning of each status.
 */

/** States of an agent, as the telephony backend reports them. */
export const AVAILABILITY_STATES = ["offline", "do_not_disturb", "available", "on_mobile", "in_call"] as const;

/**
 * Reasons of an unavailable agent. A reason takes the place of the plain `do_not_disturb` in `status`.
 * The wire spells `in_traning` without the second `i`.
 */
export const UNAVAILABLE_REASONS = ["out_for_lunch", "on_a_break", "in_traning", "doing_back_office", "other"] as const;

export type AvailabilityState = (typeof AVAILABILITY_STATES)[number];
export type UnavailableReason = (typeof UNAVAILABLE_REASONS)[number];

/** An availability read for display. */
export interface AvailabilityReading {
  /** State of the agent; `unknown` if a newer widget sends a status that this version lacks. */
  readonly state: AvailabilityState | "unknown";
  /** Reason of `do_not_disturb`, or `null` without a reason. */
  readonly reason: UnavailableReason | null;
  /** True only for `available` with no wrap-up time left. An agent `on_mobile` is not callable. */
  readonly callable: boolean;
}

/** Reads an availability for display: state, reason, and whether the agent can be called now. */
export function readAvailability(availability: {
  readonly status: string;
  readonly wrapUpTimeTtl?: number;
}): AvailabilityReading {
  const { status, wrapUpTimeTtl = 0 } = availability;
  const reason = UNAVAILABLE_REASONS.find((word) => word === status) ?? null;
  const state = reason ? "do_not_disturb" : (AVAILABILITY_STATES.find((word) => word === status) ?? "unknown");
  return { state, reason, callable: state === "available" && wrapUpTimeTtl === 0 };
}
