/** The demo CRM page: joins its form, its buttons and its log to the bridge. */
import { readAgentId } from "./agent-id.ts";
import { whenConnected } from "./bridge-queue.ts";
import { showConnection } from "./connection-pill.ts";
import { getElement } from "./elements.ts";
import { createEnquiry } from "./enquiry.ts";
import { createEventLog } from "./event-log.ts";
import { createGatewaySwitch } from "./gateway-switch.ts";
import { createResultView } from "./result-view.ts";
import { showTeam } from "./team.ts";

/** After this long without the widget's script, the page says so; the script may still come. */
const PATIENCE_MS = 5_000;

const connected = whenConnected();
const field = getElement("agent-id", HTMLInputElement);
const fetchButton = getElement("fetch", HTMLButtonElement);
const cancelButton = getElement("cancel", HTMLButtonElement);
const notice = getElement("widget-notice", HTMLElement);
const enquiry = createEnquiry({ connected, view: createResultView(), onPending: offerCancel });
let isConnected = false;

getElement("ask", HTMLFormElement).addEventListener("submit", (submission) => {
  submission.preventDefault();
  void enquiry.ask(readAgentId(field.value));
});

cancelButton.addEventListener("click", () => enquiry.cancel());

for (const button of document.querySelectorAll("button")) {
  const { agentId } = button.dataset;
  if (agentId !== undefined) button.addEventListener("click", () => askAbout(agentId));
}

createGatewaySwitch((running) => {
  // A page that came up without the backend has no widget: only loading the page again fetches its script.
  if (running && !isConnected) location.reload();
  else askAbout("123");
});

const patience = setTimeout(() => {
  notice.textContent = "The phone widget has not loaded. Its backend may be down: start it, then reload this page.";
  notice.hidden = false;
}, PATIENCE_MS);

void connected.then((connector) => {
  isConnected = true;
  clearTimeout(patience);
  notice.hidden = true;
  showConnection(connector);
  connector.observe(createEventLog());
  showTeam(connector);
});

function askAbout(text: string): void {
  field.value = text;
  // On a phone the buttons and the answer do not fit on one screen.
  getElement("result-card", HTMLElement).scrollIntoView({ block: "nearest" });
  void enquiry.ask(readAgentId(text));
}

function offerCancel(pending: boolean): void {
  // A hidden button would let the keyboard's focus fall back to the top of the page.
  if (!pending && document.activeElement === cancelButton) fetchButton.focus();
  cancelButton.hidden = !pending;
}
