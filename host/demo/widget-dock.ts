/** Place of the widget. The user can collapse the place without a reload of the widget. */
import { getElement } from "./elements.ts";

export function createWidgetDock(): void {
  const toggle = getElement("phone-toggle", HTMLButtonElement);
  const phone = getElement("phone", HTMLElement);
  toggle.addEventListener("click", () => {
    const isOpen = toggle.getAttribute("aria-expanded") === "true";
    toggle.setAttribute("aria-expanded", String(!isOpen));
    // Hidden, not removed: a removed iframe loads again.
    phone.hidden = isOpen;
  });
}
