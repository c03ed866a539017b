/** Calls `load` once, when the frame first becomes visible. Most frames stay hidden and never load the panel. */
export function loadWhenVisible(root: Element, load: () => Promise<void>): void {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    load().catch(reportError);
  });
  observer.observe(root);
}
