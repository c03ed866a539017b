import { setTimeout as elapse } from "node:timers/promises";

/** Resolves after a time; rejects with the signal's reason as soon as that aborts. */
export type Delay = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** Waits on the machine's own timers. */
export function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return elapse(milliseconds, undefined, { signal }).catch(() => {
    // Node rejects with an error of its own, which keeps the reason as its cause.
    throw signal.reason;
  });
}
