import * as v from "valibot";
import { announcement, request } from "./contract.ts";
import { NoPayload } from "./no-payload.ts";
import { AVAILABILITY_STATES, UNAVAILABLE_REASONS } from "./read-availability.ts";
import { WRITABLE_STATUSES } from "./settable-statuses.ts";

/** Every value of `status`. */
export const AVAILABILITY_STATUSES = [...AVAILABILITY_STATES, ...UNAVAILABLE_REASONS] as const;

const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** A user id: a safe integer of at least 1. */
export const UserId = v.pipe(
  v.number(`a whole number from 1 to ${MAX_SAFE}`),
  v.safeInteger(`a whole number from 1 to ${MAX_SAFE}`),
  v.minValue(1, `a whole number from 1 to ${MAX_SAFE}`),
);

/** Schema of a safe integer of at least 0; `expected` is the message of its issues. */
function wholeNumber(expected: string) {
  return v.pipe(v.number(expected), v.safeInteger(expected), v.minValue(0, expected));
}

const Seconds = wholeNumber("whole seconds of at least 0");

const AVAILABILITY_ENTRIES = {
  /** Id of the agent. */
  userId: UserId,
  /** The state, or the reason that stands in place of `do_not_disturb`. */
  status: v.picklist(AVAILABILITY_STATUSES, `one of ${AVAILABILITY_STATUSES.join(", ")}`),
  /** Time that the agent stays unavailable after each call, in seconds. */
  wrapUpTimeConfig: v.exactOptional(Seconds),
  /** Wrap-up time remaining when the gateway responded, in seconds, down to 0. */
  wrapUpTimeTtl: v.exactOptional(Seconds),
  /** Grows with every change and never goes back. A reader with a higher version drops this availability. */
  version: wholeNumber("a whole number of at least 0"),
};

interface WrapUp {
  readonly wrapUpTimeConfig?: number;
  readonly wrapUpTimeTtl?: number;
}

function hasBothOrNeither({ wrapUpTimeConfig, wrapUpTimeTtl }: WrapUp): boolean {
  return (wrapUpTimeConfig === undefined) === (wrapUpTimeTtl === undefined);
}

function isTtlWithinConfig({ wrapUpTimeConfig = 0, wrapUpTimeTtl = 0 }: WrapUp): boolean {
  return wrapUpTimeTtl <= wrapUpTimeConfig;
}

const BOTH_OR_NEITHER = "wrapUpTimeConfig and wrapUpTimeTtl together, or neither";
const TTL_WITHIN_CONFIG = "wrapUpTimeTtl to be at most wrapUpTimeConfig";

/**
 * An agent's availability.
 *
 * The wrap-up keys are present only if the agent has configured a wrap-up time: both, or neither.
 */
export const Availability = v.pipe(
  v.strictObject(AVAILABILITY_ENTRIES, "exactly { userId, status, wrapUpTimeConfig?, wrapUpTimeTtl?, version }"),
  v.check((value) => hasBothOrNeither(value), BOTH_OR_NEITHER),
  v.check((value) => isTtlWithinConfig(value), TTL_WITHIN_CONFIG),
);
export type Availability = v.InferOutput<typeof Availability>;

/** An availability in a change event, with the time of the change. */
export const ChangedAvailability = v.pipe(
  v.strictObject(
    {
      ...AVAILABILITY_ENTRIES,
      /** Time of the last change, in milliseconds since 1970. */
      updatedAt: wholeNumber("whole milliseconds since 1970"),
    },
    "exactly { userId, status, wrapUpTimeConfig?, wrapUpTimeTtl?, version, updatedAt }",
  ),
  v.check((value) => hasBothOrNeither(value), BOTH_OR_NEITHER),
  v.check((value) => isTtlWithinConfig(value), TTL_WITHIN_CONFIG),
);
export type ChangedAvailability = v.InferOutput<typeof ChangedAvailability>;

/** A removed user, as the gateway's stream reports the removal. */
export const RemovedUser = v.strictObject({
  userId: UserId,
  /** Higher than every version of the user so far. If the user returns, the next version is higher still. */
  version: wholeNumber("a whole number of at least 0"),
});
export type RemovedUser = v.InferOutput<typeof RemovedUser>;

/** Availabilities by user id, as text. */
export const Availabilities = v.pipe(
  v.record(v.string(), Availability),
  v.check(
    (all) => Object.entries(all).every(([id, { userId }]) => id === String(userId)),
    "each availability under its own userId",
  ),
);
export type Availabilities = Readonly<Record<string, Availability>>;

/** A watched user whom the backend has, but cannot read at present. The connector asks again. */
export const UserError = v.strictObject(
  {
    /** The backend's error for this user, unchanged. */
    error: v.unknown(),
    /** HTTP status of the error. */
    status: wholeNumber("an HTTP status"),
  },
  "exactly { error, status }",
);
export type UserError = v.InferOutput<typeof UserError>;

/** Availabilities by user id, as text, or the backend's error for a user. Without unknown users. */
export const WatchedAvailabilities = v.pipe(
  v.record(v.string(), v.union([Availability, UserError])),
  v.check(
    (all) => Object.entries(all).every(([id, value]) => "error" in value || id === String(value.userId)),
    "each availability under its own userId",
  ),
);
export type WatchedAvailabilities = Readonly<Record<string, Availability | UserError>>;

/** A user without an availability, as announced to the page. */
export const RemovedAvailability = v.strictObject(
  {
    userId: UserId,
    /** If the user returns, the user's availability has a higher version. */
    version: wholeNumber("a whole number of at least 0"),
    /** True if the backend has the user and cannot read the availability at present. A request for the user has the error. */
    isUnreadable: v.optional(v.boolean()),
  },
  "exactly { userId, version, isUnreadable? }",
);
export type RemovedAvailability = v.InferOutput<typeof RemovedAvailability>;

/** Maximum number of users that a page may watch at once. */
export const MAX_WATCHED = 5_000;

const WATCHED = `up to ${MAX_WATCHED} user ids`;

/** The availability domain of the bus. */
export const availability = {
  /** Reads one user's current availability from the backend. */
  "API.FETCH_USER_AVAILABILITY": request({
    payload: v.strictObject(
      { variables: v.strictObject({ userId: UserId }, "exactly { userId }") },
      "exactly { variables: { userId } }",
    ),
    fulfilled: Availability,
    idempotent: true,
    carries: "availability",
  }),
  /** Reads the availability of every user that the page's token may see. */
  "API.FETCH_AVAILABILITIES": request({
    payload: NoPayload,
    fulfilled: Availabilities,
    idempotent: true,
    carries: "availability",
  }),
  /** Sets the signed-in agent's own availability. A change during a call does not end the call. */
  "API.UPDATE_AVAILABILITY": request({
    payload: v.strictObject(
      { status: v.picklist(WRITABLE_STATUSES, `one of ${WRITABLE_STATUSES.join(", ")}`) },
      "exactly { status }",
    ),
    fulfilled: Availability,
    idempotent: false,
    carries: "availability",
  }),
  /**
   * Replaces the list of users that the page watches; an empty list ends the watch. Fulfils with the users' availabilities,
   * without unknown users, and with an error for a user that the backend cannot read. The widget then announces each change of a watched user.
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
    fulfilled: WatchedAvailabilities,
    idempotent: true,
    carries: "availability",
  }),
  /**
   * Adds users to the list that the page watches, and removes others. Fulfils with the availabilities of the added users, also if
   * they were on the list before, without unknown users, and with an error for a user that the backend cannot read.
   */
  "API.CHANGE_WATCHED_USERS": request({
    payload: v.strictObject(
      {
        variables: v.strictObject(
          {
            /** Users to watch from now on. */
            added: v.pipe(v.array(UserId, WATCHED), v.maxLength(MAX_WATCHED, WATCHED)),
            /** Users to watch no longer. A user in both lists is watched. */
            removed: v.pipe(v.array(UserId, WATCHED), v.maxLength(MAX_WATCHED, WATCHED)),
          },
          "exactly { added, removed }",
        ),
      },
      "exactly { variables: { added, removed } }",
    ),
    fulfilled: WatchedAvailabilities,
    idempotent: true,
    carries: "availability",
  }),
};

/** Announcements about users. */
export const userAnnouncements = {
  /** The availability of the page's signed-in agent has changed. */
  "USER.AVAILABILITY_CHANGED": announcement(ChangedAvailability, { carries: "availability" }),
  /** Another agent's availability has changed. */
  "USER.TEAMMATE_AVAILABILITY_CHANGED": announcement(ChangedAvailability, { carries: "availability" }),
  /** A user was removed or cannot be read at present, or the page's token may no longer see the user. */
  "USER.AVAILABILITY_REMOVED": announcement(RemovedAvailability),
};
