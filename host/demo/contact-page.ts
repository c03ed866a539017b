/** Page of a contact, with a button for a call to the owner, enabled while the owner is callable. */
import type { Connector, WatchStatus } from "../connector.ts";
import type { Contact } from "./contacts.ts";
import { getElement } from "./elements.ts";
import { agentNameOf } from "./team-names.ts";
import { watchCallable } from "./watch-callable.ts";

/** Reasons of a disabled button, by the status of the watch. */
const REASONS: Readonly<Record<Exclude<WatchStatus["status"], "live">, string>> = {
  stale: "Whether the owner is free is not known at present.",
  "unknown-user": "The phone system has no such agent.",
  removed: "The phone system has no such agent any more.",
  "not-allowed": "You may not see who is free.",
  "session-expired": "Sign in again to see who is free.",
  error: "Whether the owner is free is not known at present.",
};

/** Shows a contact, and follows the owner. */
export interface ContactPage {
  show(contact: Contact): void;
  /** Follows the owner from now on. */
  connect(connector: Connector): void;
}

export function createContactPage(): ContactPage {
  const call = getElement("call-owner", HTMLButtonElement);
  const note = getElement("call-note", HTMLElement);
  let shown: Contact | undefined;
  let connector: Connector | undefined;
  let unwatch = (): void => {};

  function setCallable(isCallable: boolean, text: string): void {
    call.disabled = !isCallable;
    if (note.textContent !== text) note.textContent = text;
  }

  function follow(): void {
    unwatch();
    if (!connector || !shown) return;
    const { ownerId } = shown;
    const owner = agentNameOf(ownerId);
    setCallable(false, `Asking whether ${owner} is free…`);
    unwatch = watchCallable(connector, [ownerId], (_, { callable, status }) => {
      if (!status) return;
      const known = `${owner} ${callable ? "can" : "cannot"} take a call now.`;
      setCallable(callable, status === "live" ? known : REASONS[status]);
    });
  }

  call.addEventListener("click", () => {
    if (shown) note.textContent = `Calling ${agentNameOf(shown.ownerId)}…`;
  });

  return {
    show(contact) {
      shown = contact;
      const { name, title, company, phone, email, ownerId } = contact;
      getElement("contact-name", HTMLElement).textContent = name;
      getElement("contact-title", HTMLElement).textContent = `${title}, ${company}`;
      getElement("contact-initials", HTMLElement).textContent = name.replace(/(\S)\S*\s*/g, "$1");
      const phoneLink = getElement("contact-phone", HTMLAnchorElement);
      phoneLink.href = `tel:${phone.replaceAll(" ", "")}`;
      phoneLink.textContent = phone;
      const emailLink = getElement("contact-email", HTMLAnchorElement);
      emailLink.href = `mailto:${email}`;
      emailLink.textContent = email;
      getElement("contact-owner", HTMLElement).textContent = agentNameOf(ownerId);
      getElement("contact-badge", HTMLElement).setAttribute("user-id", String(ownerId));
      call.textContent = `Call ${agentNameOf(ownerId)}`;
      // The story of the demo is Marta's.
      getElement("contact-story", HTMLElement).hidden = name !== "Marta Oyelaran";
      follow();
    },
    connect(next) {
      connector = next;
      follow();
    },
  };
}
