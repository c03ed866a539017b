import type { Availability } from "../../shared/contracts/availability.ts";
import type { AvailabilityReading } from "../../shared/contracts/read-availability.ts";
// Imported as text: a constructed style sheet saves a request and needs no exception in the content security policy.
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

/** Small view of the availability fetched last. */
export interface WidgetView {
  /** Shows an availability, or that it could not be fetched. */
  show(availability: Availability | undefined): void;
}

/**
 * Creates the view, which shows the availability fetched last as text. `read` is a parameter, because the view is a separate
 * file that shares no code with the widget's document.
 */
export function createView(page: Document, read: (availability: Availability) => AvailabilityReading): WidgetView {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  page.adoptedStyleSheets.push(sheet);
  const headline = page.createElement("p");
  const detail = page.createElement("p");
  // The role is not allowed on a `main` element.
  const card = page.createElement("div");
  card.setAttribute("role", "status");
  card.append(headline, detail);
  page.body.append(card);
  let countdown: ReturnType<typeof setInterval> | undefined;

  function render(availability: Availability | undefined): void {
    const reading = availability && read(availability);
    card.dataset["state"] = reading?.callable ? "callable" : (reading?.state ?? "unknown");
    headline.textContent =
      availability && reading ? describe(availability, reading) : "The availability could not be fetched";
    detail.textContent = availability && reading ? describeCalling(availability, reading) : "";
  }

  /** Counts the wrap-up time down by the clock, because timers are late. */
  function countDown(availability: Availability, seconds: number): void {
    const end = performance.now() + seconds * 1_000;
    countdown = setInterval(() => {
      const wrapUpTimeTtl = Math.max(0, Math.ceil((end - performance.now()) / 1_000));
      if (wrapUpTimeTtl === 0) clearInterval(countdown);
      render({ ...availability, wrapUpTimeTtl });
    }, 1_000);
  }

  return {
    show(availability) {
      clearInterval(countdown);
      if (availability?.wrapUpTimeTtl) countDown(availability, availability.wrapUpTimeTtl);
      render(availability);
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
