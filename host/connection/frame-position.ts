/**
 * Observes the position of an iframe in the document until the signal aborts. `onChanged` is called in the task in which the
 * iframe, or a node above it, was removed or moved. It is also called for other changes, so the caller has to check.
 *
 * Every node above the iframe is observed for its own children. An observer of the whole subtree would also run for every
 * change elsewhere in the page.
 */
export function observeFramePosition(frame: HTMLIFrameElement, signal: AbortSignal, onChanged: () => void): void {
  const observer = new MutationObserver(() => {
    observe();
    onChanged();
  });
  signal.onabort = () => observer.disconnect();
  observe();

  function observe(): void {
    observer.disconnect();
    for (let node: Node | null | undefined = frame; node; node = composedParent(node)) {
      observer.observe(node, { childList: true });
    }
  }
}

/** Returns the node above, also across a shadow root to its host and across a document to the iframe that shows it. */
function composedParent(node: Node): Node | null | undefined {
  return node.parentNode ?? (node as ShadowRoot).host ?? (node as Document).defaultView?.frameElement;
}
