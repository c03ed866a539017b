import * as v from "valibot";
import { AVAILABILITY_STATES, UNAVAILABLE_REASONS } from "../availability.ts";
import { request } from "../contract.ts";

/** Every word that `status` may hold. */
export const AVAILABILITY_STATUSES = [...AVAILABILITY_STATES, ...UNAVAILABLE_REASONS] as const;

const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** A user's id: a safe integer of at least 1. */
export const UserId = v.pipe(
  v.number(`a whole number from 1 to ${MAX_SAFE}`),
  v.safeInteger(`a whole number from 1 to ${MAX_SAFE}`),
  v.minValue(1, `a whole number from 1 to ${MAX_SAFE}`),
);

const Seconds = v.pipe(
  v.number("whole seconds of at least 0"),
  v.safeInteger("whole seconds of at least 0"),
  v.minValue(0, "whole seconds of at least 0"),
);

/**
 * An agent's availability.
 *
 * The wrap-up keys are there only where the agent has configured a wrap-up time: both, or neither.
 */
export const Availability = v.pipe(
  v.strictObject(
    {
      /** The agent. */
      userId: UserId,
      /** The state, or the reason that stands in place of `do_not_disturb`. */
      status: v.picklist(AVAILABILITY_STATUSES, `one of ${AVAILABILITY_STATUSES.join(", ")}`),
      /** How long the agent stays unavailable after each call, in seconds. */
      wrapUpTimeConfig: v.exactOptional(Seconds),
      /** How much of it was left when the answer was made, in seconds, down to 0. */
      wrapUpTimeTtl: v.exactOptional(Seconds),
      /** Grows with every change and never goes back. A reader that holds a higher one drops what it read. */
      version: v.pipe(
        v.number("a whole number of at least 0"),
        v.safeInteger("a whole number of at least 0"),
        v.minValue(0, "a whole number of at least 0"),
      ),
    },
    "exactly { userId, status, wrapUpTimeConfig?, wrapUpTimeTtl?, version }",
  ),
  v.check(
    ({ wrapUpTimeConfig, wrapUpTimeTtl }) => (wrapUpTimeConfig === undefined) === (wrapUpTimeTtl === undefined),
    "wrapUpTimeConfig and wrapUpTimeTtl together, or neither",
  ),
  v.check(
    ({ wrapUpTimeConfig = 0, wrapUpTimeTtl = 0 }) => wrapUpTimeTtl <= wrapUpTimeConfig,
    "wrapUpTimeTtl to be at most wrapUpTimeConfig",
  ),
);
export type Availability = v.InferOutput<typeof Availability>;

/** The availability domain of the bus. */
export const availability = {
  /** Asks for one user's availability as the backend has it now. */
  "API.FETCH_USER_AVAILABILITY": request({
    payload: v.strictObject(
      { variables: v.strictObject({ userId: UserId }, "exactly { userId }") },
      "exactly { variables: { userId } }",
    ),
    fulfilled: Availability,
    idempotent: true,
  }),
};
