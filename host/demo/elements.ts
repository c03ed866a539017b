/** Typed access to the page's markup. A missing id throws an error with the id, instead of a `null` elsewhere. */

/** A copy of a template, with parts addressed by `data-part`. */
export interface TemplateView {
  readonly root: DocumentFragment;
  part<Kind extends Element>(name: string, kind: new () => Kind): Kind;
  /** Writes a part's text if changed: a screen reader would read a rewritten live region aloud again. */
  write(name: string, text: string): void;
}

/**
 * Returns the element with an id.
 *
 * @throws {TypeError} when the page has no element with the id, or the element is not of class `kind`.
 */
export function getElement<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  return expectKind(document.getElementById(id), kind, `#${id}`);
}

/**
 * Copies the template with an id.
 *
 * @throws {TypeError} when the page has no template with the id. `part` and `write` throw when the template lacks the part.
 */
export function openTemplate(id: string): TemplateView {
  const root = document.importNode(getElement(id, HTMLTemplateElement).content, true);
  // Queried at once: the fragment is empty after its insertion into the page.
  const marked = [...root.querySelectorAll("[data-part]")];
  const parts = new Map(marked.map((element) => [element.getAttribute("data-part"), element]));
  const part = <Kind extends Element>(name: string, kind: new () => Kind): Kind =>
    expectKind(parts.get(name), kind, `${name} in #${id}`);
  return {
    root,
    part,
    write(name, text) {
      const element = part(name, HTMLElement);
      if (element.textContent !== text) element.textContent = text;
    },
  };
}

function expectKind<Kind extends Element>(found: Element | null | undefined, kind: new () => Kind, name: string): Kind {
  if (found instanceof kind) return found;
  throw new TypeError(`${name}: expected a ${kind.name} in the page`);
}
