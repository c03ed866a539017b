import type { AlarmClock } from "../../shared/runtime/alarm-clock.ts";

/**
 * Sends a ping and calls `onTimeout` if no reply arrives in time. A rejection counts as a reply. So does closing the
 * connection, because the next widget gets its own ping.
 */
export function ping(
  clock: AlarmClock,
  timeoutMs: number,
  sendPing: () => Promise<unknown>,
  onTimeout: () => void,
): void {
  const dueAt = performance.now() + timeoutMs;
  const cancel = clock.ringIn(timeoutMs, () => {
    // Browsers slow down and freeze hidden pages, so a missing reply proves nothing there. A timer that fires more than a
    // second late was held back by the browser, and the widget's reply with it.
    if (document.hidden || performance.now() - dueAt > 1_000) ping(clock, timeoutMs, sendPing, onTimeout);
    else onTimeout();
  });
  sendPing().then(cancel, cancel);
}
