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

/** Texts without an availability. */
const TEXTS = {
  empty: "",
  failed: "The availability could not be fetched",
  removed: "This agent was removed",
  expired: "The sign-in has ended",
} as const;

/** Content of the view: an agent's availability, or the reason for having none. */
export type CheckedContent =
  | { readonly kind: keyof typeof TEXTS }
  | { readonly kind: "availability"; readonly availability: Availability; readonly isStale: boolean };

/** Small view of one agent's availability. */
export interface WidgetView {
  /** Replaces what is shown. `empty` hides the view. */
  show(content: CheckedContent): void;
}

/**
 * Creates the view, which shows an agent's availability as text. `read` is a parameter, because the view is a separate
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

  function renderAvailability(availability: Availability, isStale: boolean): void {
    const reading = read(availability);
    card.dataset["state"] = isStale ? "unknown" : reading.callable ? "callable" : reading.state;
    card.dataset["stale"] = `${isStale}`;
    headline.textContent = describe(availability, reading);
    detail.textContent = isStale
      ? "May be outdated: the server cannot be reached"
      : describeCalling(availability, reading);
  }

  function renderText(kind: keyof typeof TEXTS): void {
    card.dataset["state"] = "unknown";
    card.dataset["stale"] = "false";
    headline.textContent = TEXTS[kind];
    detail.textContent = "";
  }

  /** Counts the wrap-up time down by the clock, because timers are late. */
  function countDown(availability: Availability, seconds: number, isStale: boolean): void {
    const end = performance.now() + seconds * 1_000;
    countdown = setInterval(() => {
      const wrapUpTimeTtl = Math.max(0, Math.ceil((end - performance.now()) / 1_000));
      if (wrapUpTimeTtl === 0) clearInterval(countdown);
      renderAvailability({ ...availability, wrapUpTimeTtl }, isStale);
    }, 1_000);
  }

  return {
    show(content) {
      clearInterval(countdown);
      card.hidden = content.kind === "empty";
      if (content.kind !== "availability") {
        renderText(content.kind);
        return;
      }
      const { availability, isStale } = content;
      if (availability.wrapUpTimeTtl) countDown(availability, availability.wrapUpTimeTtl, isStale);
      renderAvailability(availability, isStale);
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
