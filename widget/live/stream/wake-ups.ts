/** What of a window is listened to. */
export interface WakingWindow extends EventTarget {
  readonly document: EventTarget & { readonly visibilityState: string };
}

/**
 * Calls `wake` whenever something may have been missed: the network is back, the page has come out of the back/forward
 * cache or is in view again, or the browser has let it run again.
 */
export function listenForWakeUps(window: WakingWindow, wake: () => void): void {
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", wake);
  window.document.addEventListener("resume", wake);
  window.document.addEventListener("visibilitychange", () => {
    if (window.document.visibilityState === "visible") wake();
  });
}
