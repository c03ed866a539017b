/** Labels of an availability for people who take calls. */
import {
  type AvailabilityReading,
  readAvailability,
  type UnavailableReason,
} from "../../shared/contracts/read-availability.ts";
import type { Availability } from "../event-types.ts";

/** Texts of the page for an availability. */
export interface AvailabilityLabels {
  /** Style of the result. An available agent who is still wrapping up must not look free. */
  readonly appearance: AvailabilityReading["state"] | "wrapping_up";
  readonly title: string;
  readonly reason: string;
  readonly callable: string;
  /** Remaining wrap-up time, such as `12 s of 30 s`. */
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

/** Describes an availability with the remaining wrap-up time in seconds. */
export function describeAvailability(availability: Availability, remainingSeconds: number): AvailabilityLabels {
  const { status, wrapUpTimeConfig } = availability;
  const { state, reason, callable } = readAvailability({ status, wrapUpTimeTtl: remainingSeconds });
  const isWrappingUp = state === "available" && !callable;
  return {
    appearance: isWrappingUp ? "wrapping_up" : state,
    // A newer widget may send a status unknown to the page. The page shows the status unchanged.
    title: state === "unknown" ? `${STATE_LABELS.unknown}: ${status}` : STATE_LABELS[state],
    reason: reason ? REASON_LABELS[reason] : "None given",
    callable: callable ? "Yes" : `No${isWrappingUp ? ", still wrapping up" : ""}`,
    wrapUp: wrapUpTimeConfig === undefined ? "Not set up" : `${remainingSeconds} s of ${wrapUpTimeConfig} s`,
  };
}
