/** List of contacts, with the badges of the owners. */
import { CONTACTS, type Contact, findContacts } from "./contacts.ts";
import { getElement, openTemplate } from "./elements.ts";
import { agentNameOf } from "./team-names.ts";

/** Shows the list and the search. `onChosen` is called with the contact opened by the user. */
export function showContacts(onChosen: (contact: Contact) => void): void {
  const body = getElement("contact-rows", HTMLTableSectionElement);
  const search = getElement("contact-search", HTMLInputElement);
  const count = getElement("contact-count", HTMLElement);
  const rows = new Map<Contact, HTMLElement>();

  function createRow(contact: Contact): HTMLElement {
    const view = openTemplate("contact-row");
    const { name, title, company, ownerId } = contact;
    const row = view.part("row", HTMLTableRowElement);
    const button = view.part("name", HTMLButtonElement);
    view.write("name", name);
    view.write("title", title);
    view.write("company", company);
    view.write("owner", agentNameOf(ownerId));
    view.part("badge", HTMLElement).setAttribute("user-id", String(ownerId));
    button.addEventListener("click", () => {
      for (const [other, element] of rows) {
        if (other === contact) element.setAttribute("aria-current", "true");
        else element.removeAttribute("aria-current");
      }
      onChosen(contact);
    });
    rows.set(contact, row);
    return row;
  }

  function showMatches(): void {
    const found = findContacts(search.value);
    body.replaceChildren(...found.map((contact) => rows.get(contact) ?? createRow(contact)));
    count.textContent = `${found.length} of ${CONTACTS.length}`;
  }

  search.addEventListener("input", showMatches);
  showMatches();
}
