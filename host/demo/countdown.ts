/** Countdown of the wrap-up time, in step with the backend. */

/** Calls `onSecond` after each second with the remaining whole seconds, down to 0. Returns a function that stops the countdown. */
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
