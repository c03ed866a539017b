/** Reports the visibility, the freezing and the resuming of a tab. */
export interface PageLifecycle {
  isHidden(): boolean;
  /** Calls `onFreeze` before the tab is frozen or unloaded, and `onResume` afterwards, until the signal aborts. */
  subscribe(onFreeze: () => void, onResume: () => void, signal: AbortSignal): void;
}

/** The lifecycle of this document. A page in the back/forward cache, or a frozen one, runs no scripts. */
export const documentLifecycle: PageLifecycle = {
  isHidden: () => document.visibilityState === "hidden",
  subscribe(onFreeze, onResume, signal) {
    window.addEventListener("pagehide", onFreeze, { signal });
    window.addEventListener("pageshow", onResume, { signal });
    document.addEventListener("freeze", onFreeze, { signal });
    document.addEventListener("resume", onResume, { signal });
  },
};
