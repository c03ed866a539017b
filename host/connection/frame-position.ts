/**
 * Observes the position of an iframe in the document. Calls `onChanged` in the task that removed or moved the iframe or an
 * ancestor. Other changes also call `onChanged`, so the caller has to check.
 *
 * The children of every ancestor are observed. An observer of the whole subtree would also run for every change elsewhere in
 * the page. An ancestor that the iframe has left stays observed.
 *
 * @returns A function that stops the observer.
 */
export function observeFramePosition(frame: HTMLIFrameElement, onChanged: () => void): () => void {
  const observer = new MutationObserver(() => {
    observeAncestors(observer, frame);
    onChanged();
  });
  observeAncestors(observer, frame);
  return () => observer.disconnect();
}

/** Observes the children of an element and of each ancestor, also across shadow roots. */
export function observeAncestors(observer: MutationObserver, element: Element): void {
  // The parent of a shadow root is its host.
  for (let node: Node | undefined = element; node; node = node.parentNode ?? (node as ShadowRoot).host) {
    try {
      observer.observe(node, { childList: true });
    } catch {
      // Salesforce forbids to observe `body` and `html`. A check comes with the next request, or with the load of the iframe.
    }
  }
}
