/** The place where the page shows what came of a request. */
import type { Availability } from "../bus-types.ts";
import { type AgentId, nameAgent } from "./agent-id.ts";
import { type AvailabilityWords, describeAvailability } from "./availability-words.ts";
import { startCountdown } from "./countdown.ts";
import { getElement, openTemplate, type View } from "./elements.ts";
import type { FailureWords } from "./failure-words.ts";
import { formatDuration } from "./time-words.ts";

/** Shows one request at a time; each call replaces what was shown before. */
export interface ResultView {
  showPending(agentId: AgentId): void;
  showAvailability(agentId: AgentId, availability: Availability, durationMs: number): void;
  showFailure(agentId: AgentId, failure: FailureWords, durationMs: number): void;
  showCancelled(agentId: AgentId, durationMs: number): void;
}

/** What colours the result's card; the words and the mark in it say the same. */
type Tone = AvailabilityWords["look"] | "pending" | "failed" | "cancelled";

/** Creates the result's view in the page's live region, so that every outcome is read aloud. */
export function createResultView(): ResultView {
  const card = getElement("result-card", HTMLElement);
  const region = getElement("result", HTMLElement);
  let stopCountdown: (() => void) | undefined;

  function setTone(tone: Tone): void {
    card.dataset["tone"] = tone;
  }

  function show(tone: Tone, { root }: View): void {
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
      stopCountdown = startCountdown(wrapUpTimeTtl, (left) => setTone(fillAvailability(view, availability, left)));
    },
    showFailure(agentId, { rejectedBy, ...words }, durationMs) {
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

/** Fills in what changes while wrap-up time runs down, and returns what the answer looks like now. */
function fillAvailability(view: View, availability: Availability, wrapUpLeft: number): AvailabilityWords["look"] {
  const { look, title, reason, callable, wrapUp } = describeAvailability(availability, wrapUpLeft);
  view.part("mark", SVGUseElement).setAttribute("href", `#state-${look}`);
  view.write("title", title);
  view.write("reason", reason);
  view.write("callable", callable);
  view.write("wrap-up", wrapUp);
  const bar = view.part("wrap-up-bar", HTMLProgressElement);
  bar.hidden = wrapUpLeft === 0;
  bar.max = Math.max(1, availability.wrapUpTimeConfig ?? 1);
  bar.value = wrapUpLeft;
  return look;
}
