import type { AvailabilityReading } from "../shared/availability.ts";
import type { Availability } from "../shared/contracts/availability.ts";
// As text and not as a file: one request fewer, and a constructed sheet needs no exception in the content security policy.
import css from "./view.css?inline";

const STATES: Readonly<Record<AvailabilityReading["state"], string>> = {
  offline: "Offline",
  do_not_disturb: "Do not disturb",
  available: "Available",
  on_mobile: "On the mobile app",
  in_call: "In a call",
  unknown: "Unknown",
};

const REASONS: Readonly<Record<NonNullable<AvailabilityReading["reason"]>, string>> = {
  out_for_lunch: "out for lunch",
  on_a_break: "on a break",
  in_traning: "in training",
  doing_back_office: "doing back office work",
  other: "for another reason",
};

/** An availability as the view shows it. */
export interface Shown {
  readonly availability: Availability;
  readonly reading: AvailabilityReading;
}

/** Shows the agent what was asked for last. */
export interface View {
  /** Shows an availability, or that it could not be fetched. */
  show(shown: Shown | undefined): void;
}

/** Creates the small view: the availability that was asked for last, in words. */
export function createView(page: Document): View {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  page.adoptedStyleSheets.push(sheet);
  const headline = page.createElement("p");
  const detail = page.createElement("p");
  // Not a `main`, on which the role is not allowed.
  const card = page.createElement("div");
  card.setAttribute("role", "status");
  card.append(headline, detail);
  page.body.append(card);

  return {
    show(shown) {
      card.dataset["state"] = shown?.reading.callable ? "callable" : (shown?.reading.state ?? "unknown");
      headline.textContent = shown
        ? describe(shown.availability, shown.reading)
        : "The availability could not be fetched";
      detail.textContent = shown ? describeCalling(shown.availability, shown.reading) : "";
    },
  };
}

function describe({ userId }: Availability, { state, reason }: AvailabilityReading): string {
  return `Agent ${userId}: ${STATES[state]}${reason ? `, ${REASONS[reason]}` : ""}`;
}

function describeCalling(
  { wrapUpTimeTtl = 0, wrapUpTimeConfig = 0 }: Availability,
  reading: AvailabilityReading,
): string {
  if (reading.callable) return "Can take a call now";
  return wrapUpTimeTtl > 0 ? `Wrapping up: ${wrapUpTimeTtl} of ${wrapUpTimeConfig} s left` : "Cannot take a call now";
}
