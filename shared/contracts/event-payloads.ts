/**
 * Payloads of the contract's events as plain types, in the form in which a page sees them: read-only, and with enumerations that stay open,
 * because a newer widget may send new values. The declarations of the main entry are made of these, so that no page's compiler has to
 * check valibot's, and so that an editor shows names and words. `host/event-types.test-d.ts` compares each with the contract's schema.
 */
import type { AvailabilityState, UnavailableReason } from "./read-availability.ts";
import type { WRITABLE_STATUSES } from "./settable-statuses.ts";

/** Payload of a request without content. */
type NoPayload = Readonly<Record<string, never>> | undefined;

/** Every status that this release knows, or the status of a newer widget. `readAvailability` reads any of them. */
export type AvailabilityStatus = AvailabilityState | UnavailableReason | (string & {});

/** An agent's availability. The wrap-up keys are present only if the agent has configured a wrap-up time: both, or neither. */
export interface Availability {
  /** Id of the agent in the telephony system. */
  readonly userId: number;
  /** The state, or the reason that stands in place of `do_not_disturb`. The wire spells `in_traning` so. */
  readonly status: AvailabilityStatus;
  /** Time that the agent stays unavailable after each call, in seconds. */
  readonly wrapUpTimeConfig?: number;
  /** Wrap-up time remaining when the gateway responded, in seconds, down to 0. */
  readonly wrapUpTimeTtl?: number;
  /** Grows with every change and never goes back: of two availabilities of one agent the one with the higher version counts. */
  readonly version: number;
}

/** An availability in a change event. */
export interface ChangedAvailability extends Availability {
  /** Time of the last change, in milliseconds since 1970. */
  readonly updatedAt: number;
}

/** A user without an availability. */
export interface RemovedAvailability {
  /** Id of the agent in the telephony system. */
  readonly userId: number;
  /** If the user returns, the user's availability has a higher version. */
  readonly version: number;
  /** True if the backend has the user and cannot read the availability at present. A request for the user has the error. */
  readonly isUnreadable?: boolean | undefined;
}

/** A watched user whom the backend has, but cannot read at present. The connector asks again. */
export interface UserError {
  /** The backend's error for this user, unchanged. */
  readonly error: unknown;
  /** HTTP status of the error. */
  readonly status: number;
}

/** Availabilities by user id, as text. */
export interface Availabilities {
  readonly [userId: string]: Availability;
}

/** Availabilities by user id, as text, or the backend's error for a user. Without unknown users. */
export interface WatchedAvailabilities {
  readonly [userId: string]: Availability | UserError;
}

/** The user of a request. */
interface UserVariables {
  readonly variables: {
    /** Id of the agent in the telephony system, a whole number from 1. */
    readonly userId: number;
  };
}

/** The users that the page watches. */
interface WatchVariables {
  readonly variables: {
    /** Up to 5,000 ids. An empty list ends the watch. */
    readonly userIds: readonly number[];
  };
}

/** Changes of the list of users that the page watches. */
interface WatchChangeVariables {
  readonly variables: {
    /** Users to watch from now on. */
    readonly added: readonly number[];
    /** Users to watch no longer. A user in both lists is watched. */
    readonly removed: readonly number[];
  };
}

/** The new status of the signed-in agent. */
interface StatusChange {
  /** Requests spell `in_training` correctly. */
  readonly status: (typeof WRITABLE_STATUSES)[number];
}

/** Introduction of the page, which the connector sends. */
interface PageIntroduction {
  /** The page's own origin. */
  readonly origin: string;
  /** The page's name. */
  readonly appName: string;
  /** The page's version. */
  readonly release: string;
}

/** A request in flight. */
interface RequestReference {
  /** The request's `meta.id`. */
  readonly id: string;
}

/** Services whose announcements a page can start. */
interface Services {
  /** `USER` announces the availability of every user that the page's token may see. */
  readonly services: readonly "USER"[];
}

/** The widget's introduction. */
interface WidgetIntroduction {
  /** Protocol version of the widget. */
  readonly protocol: 1;
  /** Changes with every load of the widget. */
  readonly sessionId: string;
  /** The types of the requests that the widget knows. */
  readonly events: readonly string[];
  /** Names of the events that a connector treats in a special way. */
  readonly traits?: {
    /** Requests that a connector may send again to the next widget. */
    readonly idempotent: readonly string[];
    /** Settlements and announcements whose payload is an availability, or holds availabilities by user id. */
    readonly availabilities: readonly string[];
  };
}

/** Outcome of a cancellation. */
interface Cancellation {
  /** False if no such request is in flight, for example because it has just settled. */
  readonly cancelled: boolean;
}

/** The widget's counters since its load. */
export interface WidgetStatistics {
  /** Backend calls, without streams and retries. */
  readonly calls: number;
  /** Requests that shared another request's backend call. */
  readonly coalesced: number;
  /** Retries of backend calls. */
  readonly retries: number;
  /** Streams that this widget has opened by itself. */
  readonly streams: number;
  /** Bytes of the backend's response bodies, decompressed. */
  readonly bytes: number;
}

/** State of the announcements of availabilities. */
interface AnnouncementState {
  /** `live` while each change reaches the widget, otherwise `stale`. */
  readonly state: "live" | "stale" | (string & {});
  /** Milliseconds since the latest sign of life from the backend, when the widget posted this announcement. */
  readonly ageMs: number;
}

/** The size that the whole content of a visible widget needs. The page decides what the frame gets: the widget's content scrolls. */
interface ContentSize {
  /** The least width that shows the content well, in CSS pixels. */
  readonly width: number;
  /** The height of the whole content, in CSS pixels. */
  readonly height: number;
}

/** The page's token. */
interface Token {
  /** Credentials of `Authorization: Bearer`. */
  readonly token: string;
}

/** Payload of each request, as the page writes it. */
export interface RequestPayloads {
  /** Reads one user's current availability from the backend. */
  "API.FETCH_USER_AVAILABILITY": UserVariables;
  /** Reads the availability of every user that the page's token may see. */
  "API.FETCH_AVAILABILITIES": NoPayload;
  /** Sets the signed-in agent's own availability. A change during a call does not end the call. */
  "API.UPDATE_AVAILABILITY": StatusChange;
  /** Replaces the list of users that the page watches. `connector.watch` sends it. */
  "API.WATCH_AVAILABILITIES": WatchVariables;
  /** Adds users to the list that the page watches, and removes others. `connector.watch` sends it. */
  "API.CHANGE_WATCHED_USERS": WatchChangeVariables;
  /** Introduces the page. The connector sends it after every handshake. */
  "BUS.REGISTER": PageIntroduction;
  /** Heartbeat. The connector sends it. */
  "BUS.PING": NoPayload;
  /** Aborts the request in flight with this `meta.id`. The `signal` of a request does so by itself. */
  "BUS.CANCEL": RequestReference;
  /** Starts the announcements of services. The widget first announces the current state. */
  "BUS.INIT": Services;
  /** Stops the announcements of services. */
  "BUS.DESTROY": Services;
  /** Reads the widget's counters since its load, for an inspector. */
  "BUS.STATS": NoPayload;
  /** Makes the widget ask the page for its token at once. `connector.refreshToken` sends it. */
  "AUTH.REFRESH_TOKEN": NoPayload;
}

/** Fulfilled payload of each request. */
export interface FulfilledPayloads {
  "API.FETCH_USER_AVAILABILITY": Availability;
  "API.FETCH_AVAILABILITIES": Availabilities;
  "API.UPDATE_AVAILABILITY": Availability;
  /** The watched users. */
  "API.WATCH_AVAILABILITIES": WatchedAvailabilities;
  /** The added users. */
  "API.CHANGE_WATCHED_USERS": WatchedAvailabilities;
  "BUS.REGISTER": WidgetIntroduction;
  // biome-ignore lint/complexity/noBannedTypes: the schema's own output.
  "BUS.PING": {};
  "BUS.CANCEL": Cancellation;
  "BUS.INIT": void;
  "BUS.DESTROY": void;
  "BUS.STATS": WidgetStatistics;
  "AUTH.REFRESH_TOKEN": void;
}

/** Payload of each announcement. */
export interface AnnouncedPayloads {
  /** The availability of the page's signed-in agent has changed. */
  "USER.AVAILABILITY_CHANGED": ChangedAvailability;
  /** Another agent's availability has changed. */
  "USER.TEAMMATE_AVAILABILITY_CHANGED": ChangedAvailability;
  /** A user was removed or cannot be read at present, or the page's token may no longer see the user. */
  "USER.AVAILABILITY_REMOVED": RemovedAvailability;
  /** Changes no longer reach the widget, or all changes reach it again. */
  "LIVE.STATE_CHANGED": AnnouncementState;
  /** The backend accepts no token of the page any more. */
  "AUTH.SESSION_EXPIRED": void;
  /** The size that the whole content of a visible widget needs has changed. */
  "HOST.RESIZE": ContentSize;
}

/** Fulfilled payload of each request of the widget to the page. */
export interface HostFulfilledPayloads {
  "HOST.FETCH_TOKEN": Token;
}
