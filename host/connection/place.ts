/**
 * Watches where a frame stands, until the signal aborts. `onChanged` is called in the task in which the frame, or a node
 * above it, was taken out or moved, and at other times too: it has to look.
 *
 * Every node above the frame is watched for its own children, since a page's other changes, which a watch of whole
 * subtrees would hear of as well, are none of our business.
 */
export function watchPlace(frame: HTMLIFrameElement, signal: AbortSignal, onChanged: () => void): void {
  const observer = new MutationObserver(() => {
    watch();
    onChanged();
  });
  signal.onabort = () => observer.disconnect();
  watch();

  function watch(): void {
    observer.disconnect();
    for (let node: Node | null | undefined = frame; node; node = parentOf(node)) {
      observer.observe(node, { childList: true });
    }
  }
}

/** A shadow root hangs from its host, and a document from the frame that it is shown in. */
function parentOf(node: Node): Node | null | undefined {
  return node.parentNode ?? (node as ShadowRoot).host ?? (node as Document).defaultView?.frameElement;
}
