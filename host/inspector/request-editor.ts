/** Editor of an event. */
import type { Envelope } from "../../shared/protocol/envelope.ts";
import { createButton, createElement } from "./elements.ts";

export interface RequestEditor {
  readonly element: HTMLElement;
  /** Opens with an event, and puts the focus into the text. */
  open(event: Envelope): void;
  close(): void;
}

/** Creates a closed editor. `onSent` is called with the user's event. */
export function createRequestEditor(onSent: (event: Envelope) => void): RequestEditor {
  const text = createElement("textarea", { id: "event", rows: "10", spellcheck: "false", "aria-describedby": "fault" });
  const fault = createElement("p", { id: "fault", class: "fault", role: "alert" });
  const form = createElement(
    "form",
    { class: "editor", hidden: true },
    createElement("label", { for: "event" }, "Event as JSON"),
    text,
    fault,
    createElement("div", { class: "actions" }, createElement("button", { type: "submit", class: "primary" }, "Send")),
  );
  let opener: Element | null = null;

  function close(): void {
    form.hidden = true;
    // The focus would be lost with the form.
    if (opener instanceof HTMLElement) opener.focus();
    opener = null;
  }

  form.lastElementChild?.append(createButton("Cancel", close));
  form.addEventListener("submit", (submission) => {
    submission.preventDefault();
    const event = parse(text.value);
    fault.textContent = typeof event === "string" ? event : "";
    text.setAttribute("aria-invalid", `${typeof event === "string"}`);
    if (typeof event === "string") return text.focus();
    close();
    onSent(event);
  });
  form.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") close();
  });

  return {
    element: form,
    open({ type, payload }) {
      const root = form.getRootNode();
      opener = root instanceof ShadowRoot ? root.activeElement : null;
      text.value = JSON.stringify({ type, payload }, null, 2);
      text.removeAttribute("aria-invalid");
      fault.textContent = "";
      form.hidden = false;
      text.focus();
    },
    close,
  };
}

/** Parses a text as an event, or returns the fault. The widget checks the contract, and the time line has the answer. */
function parse(text: string): Envelope | string {
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event !== "object" || event === null || !("type" in event) || typeof event.type !== "string") {
      return 'Expected an object with a text as "type".';
    }
    const { type } = event;
    return "payload" in event ? { type, payload: event.payload } : { type };
  } catch (error) {
    return `This is no JSON: ${Object(error).message}`;
  }
}
