import { setTimeout as elapse } from "node:timers/promises";
import type { Availabilities } from "./availabilities.ts";

/** Resolves after a time; rejects with the signal's reason as soon as that aborts. */
export type Wait = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** The same availabilities, whose reader takes its time over some agents: `delaysMs` holds how long, by user id. */
export function withSlowAgents(
  availabilities: Availabilities,
  delaysMs: ReadonlyMap<number, number>,
  wait: Wait = waitOnTimer,
): Availabilities {
  return {
    ...availabilities,
    async read(userId, signal) {
      const delayMs = delaysMs.get(userId);
      if (delayMs !== undefined) await wait(delayMs, signal);
      return availabilities.read(userId, signal);
    },
  };
}

function waitOnTimer(milliseconds: number, signal: AbortSignal): Promise<void> {
  return elapse(milliseconds, undefined, { signal }).catch(() => {
    // Node rejects with an error of its own, which keeps the reason as its cause.
    throw signal.reason;
  });
}
