/** View of the chosen entry: facts, actions and JSON. */
import type { Envelope } from "../../shared/protocol/envelope.ts";
import { createButton, createElement } from "./elements.ts";
import { formatClock, formatDuration } from "./format.ts";
import { createJsonTree } from "./json-tree.ts";
import { createRequestEditor } from "./request-editor.ts";
import type { TimelineEntry } from "./timeline.ts";

/** Actions of the inspector for the view. */
export interface DetailActions {
  copyVector(entry: TimelineEntry): void;
  send(event: Envelope): void;
}

export interface DetailView {
  readonly element: HTMLElement;
  /** Shows an entry, or a hint without an entry. */
  show(entry: TimelineEntry | undefined): void;
}

export function createDetailView(actions: DetailActions): DetailView {
  const content = createElement("div", { class: "content" });
  const editor = createRequestEditor(actions.send);
  // Firefox makes a stop of Tab of everything that scrolls, before the buttons in it. Its buttons scroll it for the keyboard.
  const attributes = { class: "detail", "aria-label": "Chosen event", tabindex: "-1" };
  const element = createElement("section", attributes, content, editor.element);

  function show(entry: TimelineEntry | undefined): void {
    editor.close();
    if (!entry) {
      content.replaceChildren(createElement("p", { class: "quiet hint" }, "Choose an event to see what is in it."));
      return;
    }
    const { title, event, at, durationMs, id, attempt } = entry;
    const facts = [
      formatClock(at),
      ...(durationMs === undefined ? [] : [formatDuration(durationMs)]),
      ...(attempt ? [`sent ${attempt} times`] : []),
      ...(id === undefined ? [] : [`id ${id}`]),
    ];
    const heading = createElement("h3", {}, title);
    content.replaceChildren(heading, createElement("p", { class: "quiet" }, facts.join(" · ")));
    if (!event) return;
    const sent = entry.kind === "sent" ? event : entry.request;
    const buttons = [createButton("Copy as vector", () => actions.copyVector(entry))];
    if (sent) {
      buttons.push(
        createButton("Send again", () => actions.send({ type: sent.type, payload: sent.payload })),
        createButton("Edit and send", () => editor.open(sent)),
      );
    }
    content.append(createElement("div", { class: "actions" }, ...buttons), createPart("Event", event));
    if (entry.request) content.append(createPart("Request", entry.request));
  }

  show(undefined);
  return { element, show };
}

function createPart(title: string, value: unknown): HTMLElement {
  return createElement("div", {}, createElement("h4", {}, title), createJsonTree(value));
}
