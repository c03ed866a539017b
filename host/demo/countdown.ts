/** Seconds that run down on the page as they do at the backend. */

/** Calls `onSecond` with the whole seconds left, after each second and last with 0. Returns how to stop it. */
export function startCountdown(seconds: number, onSecond: (remainingSeconds: number) => void): () => void {
  const startedAt = performance.now();
  const timer = setInterval(() => {
    // Measured, not counted: a browser slows the timers of a tab in the background.
    const remainingSeconds = Math.max(0, seconds - Math.floor((performance.now() - startedAt) / 1_000));
    if (remainingSeconds === 0) clearInterval(timer);
    onSecond(remainingSeconds);
  }, 1_000);
  return () => clearInterval(timer);
}
