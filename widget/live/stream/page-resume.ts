/** The parts of `window` in use. */
export interface ResumableWindow extends EventTarget {
  readonly document: EventTarget & { readonly visibilityState: string };
}

/**
 * Calls `onResume` when the page may have missed events: the network is back, the page was restored from the
 * back/forward cache, or the browser unfroze the page.
 */
export function onPageResume(window: ResumableWindow, onResume: () => void): void {
  window.addEventListener("online", onResume);
  window.addEventListener("pageshow", onResume);
  window.document.addEventListener("resume", onResume);
}

/** Calls `onShown` when the page becomes visible. In Chromium a hung widget is not replaced from then on. */
export function onPageShown(document: ResumableWindow["document"], onShown: () => void): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") onShown();
  });
}

/**
 * Creates a function that says whether the page is visible. After the answer no, `onShown` is called once, when the page is visible again and
 * the document on the screen: a hidden page has no frames of animation. No event has a listener, for the reason of `onPageShown`.
 */
export function createVisibility(
  document: ResumableWindow["document"],
  onShown: () => void,
  requestFrame: (callback: () => void) => unknown = requestAnimationFrame,
): () => boolean {
  let isWaiting = false;

  return () => {
    const isVisible = document.visibilityState === "visible";
    if (!isVisible && !isWaiting) {
      isWaiting = true;
      requestFrame(() => {
        isWaiting = false;
        onShown();
      });
    }
    return isVisible;
  };
}
