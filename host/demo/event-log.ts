/** The log of every event between the page and the widget, newest first. */
import { type Envelope, isRejected } from "../../shared/protocol/envelope.ts";
import type { ConnectorRecord } from "../connector.ts";
import { getElement, openTemplate } from "./elements.ts";
import { formatClock, formatDuration } from "./format-time.ts";

/** Maximum number of entries, so that the page stays fast. An observer can record older events. */
const MAX_ENTRIES = 200;

/** A line of the log. */
interface LogLine {
  readonly kind: "sent" | "settled" | "announced";
  readonly at: number;
  readonly envelope: Envelope;
  /** Only on a settlement. */
  readonly durationMs?: number;
  /** Only on a settlement: true for a rejection. */
  readonly hasFailed?: boolean;
}

const DIRECTIONS: Record<LogLine["kind"], string> = {
  sent: "Sent",
  settled: "Settled",
  announced: "Announced",
};

/** Creates the log and returns the observer that fills it. */
export function createEventLog(): (record: ConnectorRecord) => void {
  const entries = getElement("log-entries", HTMLOListElement);
  const count = getElement("log-count", HTMLElement);
  const empty = getElement("log-empty", HTMLElement);
  const clear = getElement("clear-log", HTMLButtonElement);

  function update(): void {
    const { length } = entries.children;
    count.textContent = length === 0 ? "No events" : `${length} ${length === 1 ? "event" : "events"}`;
    empty.hidden = length > 0;
    clear.disabled = length === 0;
  }

  clear.addEventListener("click", () => {
    entries.replaceChildren();
    update();
  });

  return (record) => {
    const logLine = toLogLine(record);
    if (!logLine) return;
    entries.prepend(createEntry(logLine));
    while (entries.children.length > MAX_ENTRIES) entries.lastElementChild?.remove();
    update();
  };
}

/** Returns no line for a change of state: the pill shows the state. */
function toLogLine(record: ConnectorRecord): LogLine | undefined {
  if (record.kind === "state") return undefined;
  const { kind, at } = record;
  if (kind !== "settled") return { kind, at, envelope: record.event };
  const { settlement, durationMs } = record;
  return { kind, at, envelope: settlement, durationMs, hasFailed: isRejected(settlement) };
}

function createEntry({ kind, at, envelope, durationMs, hasFailed }: LogLine): DocumentFragment {
  const view = openTemplate("log-entry");
  const entry = view.part("entry", HTMLDetailsElement);
  entry.dataset["kind"] = hasFailed ? "rejected" : kind;
  view.part("time", HTMLTimeElement).dateTime = new Date(at).toISOString();
  view.write("time", formatClock(at));
  view.write("direction", DIRECTIONS[kind]);
  view.write("type", envelope.type);
  view.write("duration", durationMs === undefined ? "" : formatDuration(durationMs));
  // A settlement may be megabytes long, so the JSON is written when the user opens the entry.
  entry.addEventListener("toggle", () => view.write("json", JSON.stringify(envelope, null, 2)), { once: true });
  return view.root;
}
