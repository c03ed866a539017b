/**
 * Observes the position of an iframe in the document until the signal aborts. Calls `onChanged` in the task that removed or
 * moved the iframe or an ancestor. Other changes also call `onChanged`, so the caller has to check.
 *
 * The children of every ancestor are observed. An observer of the whole subtree would also run for every change elsewhere in
 * the page.
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
    // The parent of a shadow root is its host.
    for (let node: Node | undefined = frame; node; node = node.parentNode ?? (node as ShadowRoot).host) {
      observer.observe(node, { childList: true });
    }
  }
}
