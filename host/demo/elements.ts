/** Typed access to the page's own markup, so that a renamed id fails with its name and not as `null` somewhere else. */

/** A copy of a template whose parts are addressed by `data-part`. */
export interface TemplateView {
  readonly root: DocumentFragment;
  part<Kind extends Element>(name: string, kind: new () => Kind): Kind;
  /** Writes a part's text. The same text again is not written, as a live region would be read aloud again. */
  write(name: string, text: string): void;
}

/**
 * The element with this id.
 *
 * @throws {TypeError} when the page has none, or one of another kind.
 */
export function getElement<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  return expectKind(document.getElementById(id), kind, `#${id}`);
}

/**
 * Copies the template with this id.
 *
 * @throws {TypeError} when the page has no such template, or a part that is asked for is missing.
 */
export function openTemplate(id: string): TemplateView {
  const root = document.importNode(getElement(id, HTMLTemplateElement).content, true);
  // Found once: the fragment is empty as soon as it has been put into the page.
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
