import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";

/**
 * Sends a ping and calls `onTimeout` if no reply arrives in time. A rejection counts as a reply. So does closing the
 * connection, because the next widget gets its own ping.
 */
export function ping(
  clock: TimerQueue,
  timeoutMs: number,
  sendPing: () => Promise<unknown>,
  onTimeout: () => void,
): void {
  const dueAt = performance.now() + timeoutMs;
  const cancel = clock.schedule(timeoutMs, () => {
    // Browsers slow down and freeze hidden pages, so a missing reply proves nothing there. A timer that fires more than a
    // second late was held back by the browser, and the widget's reply with it.
    if (document.hidden || performance.now() - dueAt > 1_000) ping(clock, timeoutMs, sendPing, onTimeout);
    else onTimeout();
  });
  sendPing().then(cancel, cancel);
}
