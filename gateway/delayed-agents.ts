import type { AvailabilityService } from "./availability-service.ts";
import { type Delay, delay } from "./delay.ts";

/** The same availabilities, whose reader takes its time over some agents: `delaysMs` holds how long, by user id. */
export function withDelayedAgents(
  availabilities: AvailabilityService,
  delaysMs: ReadonlyMap<number, number>,
  wait: Delay = delay,
): AvailabilityService {
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
