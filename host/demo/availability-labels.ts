/** An availability in words that a person who takes calls would use. */
import {
  type AvailabilityReading,
  readAvailability,
  type UnavailableReason,
} from "../../shared/contracts/read-availability.ts";
import type { Availability } from "../event-types.ts";

/** What the page says of an availability. */
export interface AvailabilityLabels {
  /** What the answer looks like: an agent who is available, but not yet for a call, must not look free. */
  readonly appearance: AvailabilityReading["state"] | "wrapping_up";
  readonly title: string;
  readonly reason: string;
  readonly callable: string;
  /** How much wrap-up time is left, such as `12 s of 30 s`. */
  readonly wrapUp: string;
}

const STATE_LABELS: Record<AvailabilityReading["state"], string> = {
  offline: "Offline",
  do_not_disturb: "Do not disturb",
  available: "Available",
  on_mobile: "On the mobile app",
  in_call: "In a call",
  unknown: "Unknown status",
};

const REASON_LABELS: Record<UnavailableReason, string> = {
  out_for_lunch: "Out for lunch",
  on_a_break: "On a break",
  in_traning: "In training",
  doing_back_office: "Doing back office work",
  other: "Other",
};

/** Describes an availability as it stands with this much wrap-up time left, in seconds. */
export function describeAvailability(availability: Availability, remainingSeconds: number): AvailabilityLabels {
  const { status, wrapUpTimeConfig } = availability;
  const { state, reason, callable } = readAvailability({ status, wrapUpTimeTtl: remainingSeconds });
  const isWrappingUp = state === "available" && !callable;
  return {
    appearance: isWrappingUp ? "wrapping_up" : state,
    // A newer widget may say a word that this page has never heard: it is shown as it is.
    title: state === "unknown" ? `${STATE_LABELS.unknown}: ${status}` : STATE_LABELS[state],
    reason: reason ? REASON_LABELS[reason] : "None given",
    callable: callable ? "Yes" : `No${isWrappingUp ? ", still wrapping up" : ""}`,
    wrapUp: wrapUpTimeConfig === undefined ? "Not set up" : `${remainingSeconds} s of ${wrapUpTimeConfig} s`,
  };
}
