import * as v from "valibot";
import { announcement, request } from "./contract.ts";
import { NoPayload } from "./no-payload.ts";
import { AVAILABILITY_STATES, UNAVAILABLE_REASONS, WRITTEN_WORDS } from "./read-availability.ts";

/** Every word that `status` may hold. */
export const AVAILABILITY_STATUSES = [...AVAILABILITY_STATES, ...UNAVAILABLE_REASONS] as const;

const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** A user's id: a safe integer of at least 1. */
export const UserId = v.pipe(
  v.number(`a whole number from 1 to ${MAX_SAFE}`),
  v.safeInteger(`a whole number from 1 to ${MAX_SAFE}`),
  v.minValue(1, `a whole number from 1 to ${MAX_SAFE}`),
);

/** A whole number of at least 0, of what the message says. */
function wholeNumber(expected: string) {
  return v.pipe(v.number(expected), v.safeInteger(expected), v.minValue(0, expected));
}

const Seconds = wholeNumber("whole seconds of at least 0");

const AVAILABILITY_ENTRIES = {
  /** The agent. */
  userId: UserId,
  /** The state, or the reason that stands in place of `do_not_disturb`. */
  status: v.picklist(AVAILABILITY_STATUSES, `one of ${AVAILABILITY_STATUSES.join(", ")}`),
  /** How long the agent stays unavailable after each call, in seconds. */
  wrapUpTimeConfig: v.exactOptional(Seconds),
  /** How much of it was left when the answer was made, in seconds, down to 0. */
  wrapUpTimeTtl: v.exactOptional(Seconds),
  /** Grows with every change and never goes back. A reader that holds a higher one drops what it read. */
  version: wholeNumber("a whole number of at least 0"),
};

interface WrapUp {
  readonly wrapUpTimeConfig?: number;
  readonly wrapUpTimeTtl?: number;
}

function isWhole({ wrapUpTimeConfig, wrapUpTimeTtl }: WrapUp): boolean {
  return (wrapUpTimeConfig === undefined) === (wrapUpTimeTtl === undefined);
}

function isWithin({ wrapUpTimeConfig = 0, wrapUpTimeTtl = 0 }: WrapUp): boolean {
  return wrapUpTimeTtl <= wrapUpTimeConfig;
}

const WHOLE = "wrapUpTimeConfig and wrapUpTimeTtl together, or neither";
const WITHIN = "wrapUpTimeTtl to be at most wrapUpTimeConfig";

/**
 * An agent's availability.
 *
 * The wrap-up keys are there only where the agent has configured a wrap-up time: both, or neither.
 */
export const Availability = v.pipe(
  v.strictObject(AVAILABILITY_ENTRIES, "exactly { userId, status, wrapUpTimeConfig?, wrapUpTimeTtl?, version }"),
  v.check((value) => isWhole(value), WHOLE),
  v.check((value) => isWithin(value), WITHIN),
);
export type Availability = v.InferOutput<typeof Availability>;

/** An availability as it is told when it changes: beside it stands when it did. */
export const ChangedAvailability = v.pipe(
  v.strictObject(
    {
      ...AVAILABILITY_ENTRIES,
      /** When it last changed, in milliseconds since 1970. */
      updatedAt: wholeNumber("whole milliseconds since 1970"),
    },
    "exactly { userId, status, wrapUpTimeConfig?, wrapUpTimeTtl?, version, updatedAt }",
  ),
  v.check((value) => isWhole(value), WHOLE),
  v.check((value) => isWithin(value), WITHIN),
);
export type ChangedAvailability = v.InferOutput<typeof ChangedAvailability>;

/** A user who is there no more, as the gateway tells it. */
export const Removal = v.strictObject({
  userId: UserId,
  /** Higher than all that the user had. Should the user come back, it comes with a higher one still. */
  version: wholeNumber("a whole number of at least 0"),
});
export type Removal = v.InferOutput<typeof Removal>;

/** Availabilities by user id, as text. */
export const Availabilities = v.pipe(
  v.record(v.string(), Availability),
  v.check(
    (all) => Object.entries(all).every(([id, { userId }]) => id === String(userId)),
    "each availability under its own userId",
  ),
);
export type Availabilities = Readonly<Record<string, Availability>>;

/** How many users a page may watch at once. */
export const MAX_WATCHED = 5_000;

const WATCHED = `up to ${MAX_WATCHED} user ids`;

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
  /** Asks for the availability of every user that the page's token may see. */
  "API.FETCH_AVAILABILITIES": request({
    payload: NoPayload,
    fulfilled: Availabilities,
    idempotent: true,
  }),
  /** Sets the signed-in agent's own availability. While the agent is in a call, the change does not end it. */
  "API.UPDATE_AVAILABILITY": request({
    payload: v.strictObject(
      { status: v.picklist(WRITTEN_WORDS, `one of ${WRITTEN_WORDS.join(", ")}`) },
      "exactly { status }",
    ),
    fulfilled: Availability,
    idempotent: false,
  }),
  /**
   * Says which users the page shows from now on, in place of those that it named before; none ends the watch. Fulfils with
   * their availabilities, without the users that there are none of. Each change of one of them is announced.
   */
  "API.WATCH_AVAILABILITIES": request({
    payload: v.strictObject(
      {
        variables: v.strictObject(
          { userIds: v.pipe(v.array(UserId, WATCHED), v.maxLength(MAX_WATCHED, WATCHED)) },
          "exactly { userIds }",
        ),
      },
      "exactly { variables: { userIds } }",
    ),
    fulfilled: Availabilities,
    idempotent: true,
  }),
};

/** What is announced of users. */
export const userAnnouncements = {
  /** The availability of the agent that the page's token stands for has changed. */
  "USER.AVAILABILITY_CHANGED": announcement(ChangedAvailability),
  /** Another agent's availability has changed. */
  "USER.TEAMMATE_AVAILABILITY_CHANGED": announcement(ChangedAvailability),
};
