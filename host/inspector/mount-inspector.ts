/** The inspector: a time line of events between page and widget, in a shadow root. */
import type { Envelope } from "../../shared/protocol/envelope.ts";
import type { Connector, ConnectorRecord } from "../connector.ts";
import { createCounter, fetchStatistics } from "./counters.ts";
import { createDetailView } from "./detail-view.ts";
import { applyStyles, createButton, createElement } from "./elements.ts";
import { createEntryList } from "./entry-list.ts";
import { writeExport, writeVector } from "./export.ts";
import { formatBytes } from "./format.ts";
import css from "./inspector.css?inline";
import { createRedactor } from "./redact.ts";
import { openTap } from "./tap.ts";
import { createTimeline, type EntryKind, FILTERS, matches, type TimelineEntry } from "./timeline.ts";

/** Options of `mountInspector`. */
export interface InspectorOptions {
  /** Element for the inspector, with a height. @default the lower edge of the window */
  readonly container?: Element;
  /** Colours. @default "auto", the colours of the system */
  readonly theme?: "light" | "dark" | "auto";
  /** Earlier records of the connector, shown first. @default none */
  readonly records?: readonly ConnectorRecord[];
}

/** Interval of the widget's statistics, in milliseconds. */
const STATISTICS_INTERVAL_MS = 2_000;

/**
 * Shows the inspector until a call of the returned function, or until the user closes the inspector. In the meantime the connector retries after the
 * loss of a widget, as with every observer, and the inspector requests the widget's statistics every two seconds.
 */
export function mountInspector(connector: Connector, options: InspectorOptions = {}): () => void {
  const { container, theme = "auto", records = [] } = options;
  const host = createElement("div", { class: "availability-inspector" });
  const root = host.attachShadow({ mode: "open" });
  const timeline = createTimeline();
  const counter = createCounter();
  const redactor = createRedactor();
  const kinds = new Set<EntryKind>(Object.values(FILTERS).flat());
  /** Entries for the next frame. */
  let queue: TimelineEntry[] = [];
  let frame = 0;

  const state = createElement("span", { class: "pill", role: "status", "aria-label": "State of the connector" });
  const search = createElement("input", { type: "search", placeholder: "Search", "aria-label": "Search the events" });
  const said = createElement("p", { class: "said quiet", role: "status" });
  const count = createElement("span", { class: "quiet count" });
  const numbers = {
    requests: createElement("dd"),
    rejected: createElement("dd"),
    coalesced: createElement("dd"),
    retries: createElement("dd"),
    streams: createElement("dd"),
    bytes: createElement("dd"),
  };
  const detail = createDetailView({ copyVector, send });
  const list = createEntryList(detail.show);
  const frameElement = createElement(
    "section",
    {
      class: container ? "inspector" : "inspector docked",
      "data-theme": theme,
      "aria-label": "Availability inspector",
    },
    createElement(
      "header",
      {},
      createElement("h2", {}, "Inspector"),
      state,
      createElement("dl", { class: "numbers" }, ...Object.entries(numbers).map(createNumber)),
      createButton("Clear", clear),
      createButton("Export", exportEntries),
      createButton("Close", close),
    ),
    createElement(
      "div",
      { class: "tools" },
      search,
      createElement("div", { class: "filters", role: "group", "aria-label": "Show" }, ...createFilters()),
      count,
      said,
    ),
    createElement("div", { class: "body" }, list.element, detail.element),
  );

  function createFilters(): readonly HTMLElement[] {
    return Object.entries(FILTERS).map(([name, group]) => {
      const button = createButton(
        name,
        () => {
          const isOn = button.getAttribute("aria-pressed") === "true";
          button.setAttribute("aria-pressed", `${!isOn}`);
          for (const kind of group) {
            if (isOn) kinds.delete(kind);
            else kinds.add(kind);
          }
          showAll();
        },
        { "aria-pressed": "true", class: "filter" },
      );
      return button;
    });
  }

  function showAll(): void {
    queue = [];
    list.replace(timeline.entries.filter((entry) => matches(entry, kinds, search.value)));
    showNumbers();
  }

  /** Shows the entries since the last frame: hundreds of events in a frame are one change of the page. */
  function showQueue(): void {
    frame = 0;
    list.append(queue.filter((entry) => matches(entry, kinds, search.value)));
    queue = [];
    showNumbers();
  }

  function showNumbers(): void {
    const { bytes, ...counts } = counter.read();
    for (const [name, value] of Object.entries({ ...counts, bytes: formatBytes(bytes) })) {
      const element = new Map<string, HTMLElement>(Object.entries(numbers)).get(name);
      if (element) element.textContent = `${value}`;
    }
    state.textContent = connector.state;
    state.dataset["state"] = connector.state;
    const shown = list.element.childElementCount;
    count.textContent = `${shown} of ${timeline.entries.length} events`;
  }

  function send(event: Envelope): void {
    // The time line has the settlement. Types of a newer widget are sent as well.
    void connector.dispatch({ type: event.type as never, payload: event.payload });
    say(`Sent ${event.type}`);
  }

  function copyVector(entry: TimelineEntry): void {
    const text = writeVector(entry, redactor);
    navigator.clipboard.writeText(text).then(
      () => say("Copied, redacted"),
      () => download("availability-vector.json", text),
    );
  }

  function exportEntries(): void {
    download("availability-events.json", writeExport(timeline.entries, counter.read(), redactor));
  }

  function download(name: string, text: string): void {
    const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    createElement("a", { href, download: name }).click();
    // The browser reads the file later.
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
    say(`Saved ${name}, redacted`);
  }

  function say(text: string): void {
    said.textContent = text;
  }

  function clear(): void {
    timeline.clear();
    showAll();
  }

  async function updateStatistics(): Promise<void> {
    if (document.visibilityState !== "visible") return;
    counter.update(await fetchStatistics(connector));
    showNumbers();
  }

  function close(): void {
    clearInterval(timer);
    cancelAnimationFrame(frame);
    closeTap();
    host.remove();
  }

  applyStyles(root, css);
  root.append(frameElement);
  (container ?? document.querySelector("body") ?? document.documentElement).append(host);
  search.addEventListener("input", showAll);
  const closeTap = openTap(connector, records, (record) => {
    const entry = timeline.add(record);
    counter.count(entry);
    queue.push(entry);
    frame ||= requestAnimationFrame(showQueue);
  });
  const timer = setInterval(() => void updateStatistics(), STATISTICS_INTERVAL_MS);
  void updateStatistics();
  showNumbers();
  return close;
}

const NAMES: Readonly<Record<string, string>> = {
  requests: "Requests",
  rejected: "Rejected",
  coalesced: "Coalesced",
  retries: "Retries",
  streams: "Streams",
  bytes: "Bytes",
};

function createNumber([name, value]: readonly [string, HTMLElement]): HTMLElement {
  return createElement("div", {}, createElement("dt", {}, NAMES[name] ?? name), value);
}
