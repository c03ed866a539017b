import type { AvailabilityService } from "./availability-service.ts";
import { type Delay, delay } from "./delay.ts";

/** Delays reads of some agents. `delaysMs` contains the delays by user id. */
export function withDelayedAgents(
  availabilities: AvailabilityService,
  delaysMs: ReadonlyMap<number, number>,
  wait: Delay = delay,
): AvailabilityService {
  return {
    ...availabilities,
    getCached: (userId) => (delaysMs.has(userId) ? undefined : availabilities.getCached?.(userId)),
    async read(userId, signal) {
      const delayMs = delaysMs.get(userId);
      if (delayMs !== undefined) await wait(delayMs, signal);
      return availabilities.read(userId, signal);
    },
  };
}
