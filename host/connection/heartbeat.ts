import type { Envelope } from "../../shared/protocol/envelope.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";

/** True on a hidden page. An iframe, a form or an image named `hidden` takes the place of the property: such a page counts as visible. */
export const isHidden = (): boolean => document.hidden === true;

/**
 * Sends a ping and calls `onTimeout` if no reply arrives in time. A rejection counts as a reply. So does closing the
 * connection, because the next widget gets its own ping.
 */
export function ping(
  clock: TimerQueue,
  timeoutMs: number,
  post: (event: Envelope) => Promise<unknown>,
  onTimeout: () => void,
): void {
  const dueAt = performance.now() + timeoutMs;
  const cancel = clock.schedule(timeoutMs, () => {
    // Browsers slow down and freeze hidden pages, so there a missing reply proves no hang. If the timer fires more than a
    // second late, the browser has delayed the timer, and probably the widget's reply, too.
    if (isHidden() || performance.now() - dueAt > 1_000) ping(clock, timeoutMs, post, onTimeout);
    else onTimeout();
  });
  post({ type: "BUS.PING" }).then(cancel, cancel);
}
