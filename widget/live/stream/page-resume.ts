/** The parts of `window` in use. */
export interface ResumableWindow extends EventTarget {
  readonly document: EventTarget & { readonly visibilityState: string };
}

/**
 * Calls `onResume` when the page may have missed events: the network is back, the page was restored from the
 * back/forward cache or became visible, or the browser unfroze the page.
 */
export function onPageResume(window: ResumableWindow, onResume: () => void): void {
  window.addEventListener("online", onResume);
  window.addEventListener("pageshow", onResume);
  window.document.addEventListener("resume", onResume);
  window.document.addEventListener("visibilitychange", () => {
    if (window.document.visibilityState === "visible") onResume();
  });
}
