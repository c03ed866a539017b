/** Availabilities given by a test. Plain types: the declarations of the entries need no valibot. */
import type { AvailabilityState, UnavailableReason } from "../shared/contracts/read-availability.ts";

/** A status with a wrap-up time, both times in whole seconds. */
export interface StatusWithWrapUp {
  readonly status: AvailabilityState | UnavailableReason;
  /** Time that the agent stays unavailable after each call. */
  readonly wrapUpTimeConfig: number;
  /** Wrap-up time that remains now, at most `wrapUpTimeConfig`. Runs down by the clock of the test. */
  readonly wrapUpTimeTtl: number;
}

/** An agent's availability: the status alone, or the status with a wrap-up time. */
export type GivenAvailability = AvailabilityState | UnavailableReason | StatusWithWrapUp;

/** Availabilities by user id. */
export type GivenAvailabilities = Readonly<Record<number, GivenAvailability>>;
