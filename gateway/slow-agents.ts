import type { Availabilities } from "./availabilities.ts";
import { type Wait, waitOnTimer } from "./wait.ts";

/** The same availabilities, whose reader takes its time over some agents: `delaysMs` holds how long, by user id. */
export function withSlowAgents(
  availabilities: Availabilities,
  delaysMs: ReadonlyMap<number, number>,
  wait: Wait = waitOnTimer,
): Availabilities {
  return {
    ...availabilities,
    peek: (userId) => (delaysMs.has(userId) ? undefined : availabilities.peek?.(userId)),
    async read(userId, signal) {
      const delayMs = delaysMs.get(userId);
      if (delayMs !== undefined) await wait(delayMs, signal);
      return availabilities.read(userId, signal);
    },
  };
}
