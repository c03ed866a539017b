/** Elements of the inspector. No markup, because of pages with trusted types. */

/** Attributes by name; `false` leaves one out, and `true` sets it without a value. */
export type Attributes = Readonly<Record<string, string | boolean>>;

/** Creates an element with attributes and children; a text becomes a text node. */
export function createElement<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Creates a button with a text. */
export function createButton(text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const button = createElement("button", { type: "button", ...attributes }, text);
  button.addEventListener("click", onClick);
  return button;
}

let sheet: CSSStyleSheet | undefined;

/**
 * Styles a shadow root. Firefox before 101 and Safari before 16.4 have no constructed style sheets and get an element. A strict policy of the page
 * refuses the element: the inspector then works without styles.
 */
export function applyStyles(root: ShadowRoot, css: string): void {
  try {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(createElement("style", {}, css));
  }
}
