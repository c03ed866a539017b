import type { Availability } from "../shared/contracts/availability.ts";

/** Where the gateway reads availabilities. */
export interface AvailabilityStore {
  /**
   * The user's availability at the moment of the answer, or `undefined` where there is no such user.
   * Stops working for it, and rejects with the signal's reason, when the signal aborts.
   */
  read(userId: number, signal: AbortSignal): Promise<Availability | undefined>;
}
