import { setTimeout as elapse } from "node:timers/promises";

/** Resolves after a time. Rejects with the signal's reason when the signal aborts. */
export type Delay = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** Waits by the process's timers. */
export function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return elapse(milliseconds, undefined, { signal }).catch(() => {
    // Node rejects with its own error, whose cause is the reason.
    throw signal.reason;
  });
}
