/** The page's view of a request's result. */
import type { Availability } from "../event-types.ts";
import { type AgentId, nameAgent } from "./agent-id.ts";
import { type AvailabilityLabels, describeAvailability } from "./availability-labels.ts";
import { startCountdown } from "./countdown.ts";
import { getElement, openTemplate, type TemplateView } from "./elements.ts";
import type { ErrorMessage } from "./error-messages.ts";
import { formatDuration } from "./format-time.ts";

/** Shows a single request; each call replaces the previous view. */
export interface ResultView {
  showPending(agentId: AgentId): void;
  showAvailability(agentId: AgentId, availability: Availability, durationMs: number): void;
  showError(agentId: AgentId, error: ErrorMessage, durationMs: number): void;
  showCancelled(agentId: AgentId, durationMs: number): void;
}

/** Colour of the result's card. The card's text and icon carry the meaning as well. */
type Tone = AvailabilityLabels["appearance"] | "pending" | "failed" | "cancelled";

/** Creates the view in the page's live region, so that a screen reader reads every result aloud. */
export function createResultView(): ResultView {
  const card = getElement("result-card", HTMLElement);
  const region = getElement("result", HTMLElement);
  let stopCountdown: (() => void) | undefined;

  function setTone(tone: Tone): void {
    card.dataset["tone"] = tone;
  }

  function show(tone: Tone, { root }: TemplateView): void {
    stopCountdown?.();
    setTone(tone);
    region.replaceChildren(root);
  }

  return {
    showPending(agentId) {
      const view = openTemplate("pending-view");
      view.write("text", `${nameAgent(agentId)}: waiting for the answer…`);
      show("pending", view);
    },
    showAvailability(agentId, availability, durationMs) {
      const { wrapUpTimeTtl = 0 } = availability;
      const view = openTemplate("availability-view");
      view.write("agent", nameAgent(agentId));
      view.write("version", String(availability.version));
      view.write("took", formatDuration(durationMs));
      show(fillAvailability(view, availability, wrapUpTimeTtl), view);
      if (wrapUpTimeTtl === 0) return;
      stopCountdown = startCountdown(wrapUpTimeTtl, (remainingSeconds) =>
        setTone(fillAvailability(view, availability, remainingSeconds)),
      );
    },
    showError(agentId, { rejectedBy, ...words }, durationMs) {
      const view = openTemplate("failure-view");
      view.write("agent", nameAgent(agentId));
      view.write("rejected-by", rejectedBy);
      view.write("took", formatDuration(durationMs));
      for (const [name, text] of Object.entries(words)) view.write(name, text);
      show("failed", view);
    },
    showCancelled(agentId, durationMs) {
      const view = openTemplate("cancelled-view");
      view.write("text", `${nameAgent(agentId)}, taken back after ${formatDuration(durationMs)}`);
      show("cancelled", view);
    },
  };
}

/** Updates the fields that depend on the remaining wrap-up time, and returns the current style. */
function fillAvailability(
  view: TemplateView,
  availability: Availability,
  remainingSeconds: number,
): AvailabilityLabels["appearance"] {
  const { appearance, title, reason, callable, wrapUp } = describeAvailability(availability, remainingSeconds);
  view.part("mark", SVGUseElement).setAttribute("href", `#state-${appearance}`);
  view.write("title", title);
  view.write("reason", reason);
  view.write("callable", callable);
  view.write("wrap-up", wrapUp);
  const bar = view.part("wrap-up-bar", HTMLProgressElement);
  bar.hidden = remainingSeconds === 0;
  bar.max = Math.max(1, availability.wrapUpTimeConfig ?? 1);
  bar.value = remainingSeconds;
  return appearance;
}
