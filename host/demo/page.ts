/** The demo CRM page: connects contacts, form, faults and inspector to the bridge. */

import { mountInspector } from "../inspector/mount-inspector.ts";
import { readAgentId } from "./agent-id.ts";
import { createAvailabilityRequest } from "./availability-request.ts";
import { whenConnected } from "./bridge-queue.ts";
import { showConnectionStatus } from "./connection-status.ts";
import { showContacts } from "./contact-list.ts";
import { createContactPage } from "./contact-page.ts";
import { CONTACTS, type Contact } from "./contacts.ts";
import { getElement } from "./elements.ts";
import { createFaultSwitches } from "./fault-switches.ts";
import { createGatewaySwitch } from "./gateway-switch.ts";
import { createResultView } from "./result-view.ts";
import { createSnippetTabs } from "./snippet-tabs.ts";
import { showTeam } from "./team.ts";
import { createWidgetDock } from "./widget-dock.ts";

/** Delay of the notice that the widget's script has not loaded. The script may still load later. */
const LOAD_TIMEOUT_MS = 5_000;

const connected = whenConnected();
const field = getElement("agent-id", HTMLInputElement);
const fetchButton = getElement("fetch", HTMLButtonElement);
const cancelButton = getElement("cancel", HTMLButtonElement);
const notice = getElement("widget-notice", HTMLElement);
const availabilityRequest = createAvailabilityRequest({
  connected,
  view: createResultView(),
  onPendingChanged: showCancelButton,
});
const contactPage = createContactPage();
const vendor = new URL(document.querySelector<HTMLScriptElement>("script[data-token-url]")?.src ?? "").origin;
const showSnippets = createSnippetTabs({ userId: 123, vendor });
let isConnected = false;

createWidgetDock();
createFaultSwitches();
for (const contact of CONTACTS.slice(0, 1)) contactPage.show(contact);
showContacts((contact) => {
  openContact(contact);
  getElement("contact", HTMLElement).scrollIntoView({ block: "nearest" });
});

getElement("ask", HTMLFormElement).addEventListener("submit", (submission) => {
  submission.preventDefault();
  void availabilityRequest.send(readAgentId(field.value));
});

cancelButton.addEventListener("click", () => availabilityRequest.cancel());

for (const button of document.querySelectorAll("button")) {
  const { agentId } = button.dataset;
  if (agentId !== undefined) button.addEventListener("click", () => requestAvailability(agentId));
}

createGatewaySwitch((running) => {
  // A page that loaded without the backend has no widget. Only a reload fetches the script.
  if (running && !isConnected) location.reload();
  else requestAvailability("123");
});

const loadTimer = setTimeout(() => {
  notice.textContent = "The phone widget has not loaded. Its backend may be down: start it, then reload this page.";
  notice.hidden = false;
}, LOAD_TIMEOUT_MS);

void connected.then((connector) => {
  isConnected = true;
  clearTimeout(loadTimer);
  notice.hidden = true;
  showConnectionStatus(connector);
  mountInspector(connector, { container: getElement("log", HTMLElement) });
  contactPage.connect(connector);
  showTeam(connector);
});

function requestAvailability(text: string): void {
  field.value = text;
  // On a phone the buttons and the result do not fit on the screen together.
  getElement("result-card", HTMLElement).scrollIntoView({ block: "nearest" });
  void availabilityRequest.send(readAgentId(text));
}

function showCancelButton(pending: boolean): void {
  // If the focused button were hidden, the keyboard's focus would move to the top of the page.
  if (!pending && document.activeElement === cancelButton) fetchButton.focus();
  cancelButton.hidden = !pending;
}

function openContact(contact: Contact): void {
  contactPage.show(contact);
  showSnippets({ userId: contact.ownerId, vendor });
  getElement("place-company", HTMLElement).textContent = contact.company;
  getElement("place-name", HTMLElement).textContent = contact.name;
  document.title = `${contact.name} · Harrowmere Lifts CRM`;
}
