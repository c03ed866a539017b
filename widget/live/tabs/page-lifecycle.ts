/** Reports freezing and resuming of a tab, if the browser announces them. */
export interface PageLifecycle {
  /**
   * Calls `onFreeze` before the tab is frozen or unloaded, and `onResume` afterwards. @returns the function to
   * unsubscribe.
   */
  subscribe(onFreeze: () => void, onResume: () => void): () => void;
}

/**
 * The lifecycle of this document. The browser often puts a page into the back/forward cache on navigation, and may
 * freeze a hidden page. Scripts stop then, and open connections would stay open.
 */
export const documentLifecycle: PageLifecycle = {
  subscribe(onFreeze, onResume) {
    const abortController = new AbortController();
    const { signal } = abortController;
    window.addEventListener("pagehide", onFreeze, { signal });
    window.addEventListener("pageshow", onResume, { signal });
    document.addEventListener("freeze", onFreeze, { signal });
    document.addEventListener("resume", onResume, { signal });
    return () => abortController.abort();
  },
};
