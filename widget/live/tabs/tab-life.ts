/** When the browser puts a tab to sleep, and when it wakes it, where it says so beforehand. */
export interface TabLife {
  /** Calls back before the tab sleeps or goes, and after it has woken. @returns what ends it. */
  watch(onSleep: () => void, onWake: () => void): () => void;
}

/**
 * This document's. A page that is left goes into the back/forward cache as often as not, and a hidden one may be frozen; from
 * then on it runs nothing. What it holds open would stay so.
 */
export const documentLife: TabLife = {
  watch(onSleep, onWake) {
    const ending = new AbortController();
    const { signal } = ending;
    window.addEventListener("pagehide", onSleep, { signal });
    window.addEventListener("pageshow", onWake, { signal });
    document.addEventListener("freeze", onSleep, { signal });
    document.addEventListener("resume", onWake, { signal });
    return () => ending.abort();
  },
};
