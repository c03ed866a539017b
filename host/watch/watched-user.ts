/**
 * One watched user: what the connector knows about the user, and who listens.
 *
 *              available       widget lacks the user, or announces the removal
 *   asked ────────────────► live ────────────────► removed, unknown-user
 *     │                      ▲ │                             │
 *     │ reject               │ │ reject, expire              │
 *     ▼                      │ ▼                             │
 *   error, not-allowed, session-expired ◄────────────────────┘
 *                      available, from each of these: live
 *
 * `applyAvailability` leads to `live`, `applyAnswer` to `live` or to the absence of the user, and `rejectUser` to the state that the
 * error names. The watch list itself enters `removed` and `session-expired`.
 */
import type { BusError } from "../../shared/protocol/errors.ts";
import type { WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import { callListener, type Unsubscribe } from "../listeners.ts";

type AvailabilityListener = (availability: WatchedAvailability) => void;

/** One listener of a user, and what it has received. */
interface Watcher {
  readonly listener: AvailabilityListener;
  readonly onStatus: ((status: WatchStatus) => void) | undefined;
  version: number;
  /** The latest status, or the error that it comes from. */
  status: WatchStatus["status"] | BusError | undefined;
}

/** Difference of two ends of a wrap-up time that rounding and the way of an answer do not explain, in seconds. */
const MIN_CORRECTION_SECONDS = 2;

/** A user, as one flat object: a page may watch thousands. */
export interface WatchedUser {
  readonly userId: number;
  /** Replaced by another list with each change, so that a notification goes on with the watchers of its begin. */
  watchers: readonly Watcher[];
  /** Undefined as long as the widget has not answered. */
  status: Exclude<WatchStatus["status"], "stale"> | undefined;
  /** The error behind the status, if any. */
  error: BusError | undefined;
  /** The latest availability. */
  availability: WatchedAvailability | undefined;
  /** End of the wrap-up time of an availability that has one, on the monotonic clock. */
  wrapUpEndsAt: number | undefined;
  /** Highest version of the user so far, and of the user's removal. */
  version: number;
}

/** Creates a user in the state `asked`, without watchers. */
export function createWatchedUser(userId: number): WatchedUser {
  // All fields at once, here and in `addWatcher`: V8 keeps those that are added later in a list beside the object.
  return {
    userId,
    watchers: [],
    status: undefined,
    error: undefined,
    availability: undefined,
    wrapUpEndsAt: undefined,
    version: -1,
  };
}

/** Enters a state. By default the version stays, and neither an availability nor an error does. */
export function enter(
  user: WatchedUser,
  status: WatchedUser["status"],
  version: number = user.version,
  availability?: WatchedAvailability,
  error?: BusError,
): void {
  user.status = status;
  user.version = version;
  user.availability = availability;
  user.error = error;
}

/** Applies an availability. The caller has checked that its version is higher, or that it is a correction. */
export function applyAvailability(user: WatchedUser, availability: WatchedAvailability): void {
  // A copy: the page has the same object as its answer, and may change it.
  enter(user, "live", availability.version, { ...availability });
  const { wrapUpTimeTtl } = availability;
  user.wrapUpEndsAt = wrapUpTimeTtl && performance.now() + wrapUpTimeTtl * 1_000;
}

/** Returns true for the latest version with a wrap-up time that ends sooner: the clock has stood still while the machine slept. */
export function isCorrectionOf(user: WatchedUser, { version, wrapUpTimeTtl = 0 }: WatchedAvailability): boolean {
  return version === user.availability?.version && readWrapUpTime(user) - wrapUpTimeTtl > MIN_CORRECTION_SECONDS;
}

/** Returns the remaining wrap-up time in seconds; 0 without one. */
function readWrapUpTime({ wrapUpEndsAt = 0 }: WatchedUser): number {
  return Math.max(0, Math.ceil((wrapUpEndsAt - performance.now()) / 1_000));
}

/** Applies a fulfilled request about the user. The availability of the answer, if there is one, was applied before. */
export function applyAnswer(user: WatchedUser, hasAvailability: boolean): void {
  const { status, availability, version } = user;
  if (hasAvailability && availability) enter(user, "live", version, availability);
  // The same version may come back: the gateway may have lacked the user for a while.
  else if (availability) enter(user, "removed", version - 1);
  else if (status !== "removed") enter(user, "unknown-user");
}

/** Applies the rejection of a request about the user. The latest availability stays. */
export function rejectUser(user: WatchedUser, error: BusError): void {
  user.status = error.status === 401 ? "session-expired" : error.status === 403 ? "not-allowed" : "error";
  user.error = error;
}

/**
 * Notifies the watchers. `staleSince` is the time since which changes may be missing, in milliseconds since 1970. An error of a listener is
 * reported, and the remaining listeners are called.
 */
export function notifyUser(user: WatchedUser, staleSince?: number, isCorrection?: boolean): void {
  const { userId, availability, error } = user;
  // Not after an error, nor after the end of the session: they say already that the availability does not count.
  const isStale = staleSince && user.status && !error && user.status !== "session-expired";
  const status = isStale ? "stale" : user.status;
  for (const watcher of user.watchers) {
    // No queue: a watcher skips a version that is older than the watcher's latest. A listener may end a watch.
    if (
      availability &&
      availability.version - watcher.version >= (isCorrection ? 0 : 1) &&
      user.watchers.includes(watcher)
    ) {
      watcher.version = availability.version;
      const { wrapUpTimeTtl } = availability;
      callListener(watcher.listener, {
        ...availability,
        ...(wrapUpTimeTtl && { wrapUpTimeTtl: readWrapUpTime(user) }),
      });
    }
    const outcome = error ?? status;
    if (status && outcome !== watcher.status && user.watchers.includes(watcher)) {
      watcher.status = outcome;
      callListener(watcher.onStatus, { status, userId, ...(isStale ? { since: staleSince } : error && { error }) });
    }
  }
}

/** Adds a listener of availabilities, and one of statuses. */
export function addWatcher(
  user: WatchedUser,
  listener: AvailabilityListener,
  onStatus: ((status: WatchStatus) => void) | undefined,
): Unsubscribe {
  const watcher: Watcher = { listener, onStatus, version: -1, status: undefined };
  // Not a spread, which leaves room for many more.
  user.watchers = user.watchers.concat(watcher);
  return () => {
    user.watchers = user.watchers.filter((other) => other !== watcher);
  };
}
