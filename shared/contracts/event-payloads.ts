/**
 * Payloads of the contract's events as plain types. The declarations of the main entry are made of these, because a page's compiler
 * may be too old to read valibot's declarations. `host/event-types.test-d.ts` compares each with the contract's schema.
 */
import type { AVAILABILITY_STATES, UNAVAILABLE_REASONS, WRITABLE_STATUSES } from "./read-availability.ts";

/** Payload of a request without content. */
type NoPayload = Readonly<Record<string, never>> | undefined;

/** An agent's availability. The wrap-up keys are present only if the agent has configured a wrap-up time: both, or neither. */
interface AvailabilityPayload {
  /** Id of the agent. */
  userId: number;
  /** The state, or the reason that stands in place of `do_not_disturb`. */
  status: (typeof AVAILABILITY_STATES)[number] | (typeof UNAVAILABLE_REASONS)[number];
  /** Time that the agent stays unavailable after each call, in seconds. */
  wrapUpTimeConfig?: number;
  /** Wrap-up time remaining when the gateway responded, in seconds, down to 0. */
  wrapUpTimeTtl?: number;
  /** Grows with every change and never goes back. */
  version: number;
}

/** An availability in a change event. */
interface ChangedAvailabilityPayload extends AvailabilityPayload {
  /** Time of the last change, in milliseconds since 1970. */
  updatedAt: number;
}

/** A watched user whom the backend has, but cannot read at present. */
interface UserErrorPayload {
  /** The backend's error for this user, unchanged. */
  error: unknown;
  /** HTTP status of the error. */
  status: number;
}

/** Services whose announcements a page can start. */
interface ServicesPayload {
  /** `USER` announces the availability of every user that the page's token may see. */
  services: "USER"[];
}

/** Payload of each request, as the page writes it. */
export interface RequestPayloads {
  "API.FETCH_USER_AVAILABILITY": { variables: { userId: number } };
  "API.FETCH_AVAILABILITIES": NoPayload;
  "API.UPDATE_AVAILABILITY": { status: (typeof WRITABLE_STATUSES)[number] };
  "API.WATCH_AVAILABILITIES": { variables: { userIds: number[] } };
  "API.CHANGE_WATCHED_USERS": {
    variables: {
      /** Users to watch from now on. */
      added: number[];
      /** Users to watch no longer. A user in both lists is watched. */
      removed: number[];
    };
  };
  "BUS.REGISTER": {
    /** The page's own origin. */
    origin: string;
    /** The page's name. */
    appName: string;
    /** The page's version. */
    release: string;
  };
  "BUS.PING": NoPayload;
  "BUS.CANCEL": { id: string };
  "BUS.INIT": ServicesPayload;
  "BUS.DESTROY": ServicesPayload;
  "BUS.STATS": NoPayload;
  "AUTH.REFRESH_TOKEN": NoPayload;
}

/** Fulfilled payload of each request. */
export interface FulfilledPayloads {
  "API.FETCH_USER_AVAILABILITY": AvailabilityPayload;
  /** By user id, as text. */
  "API.FETCH_AVAILABILITIES": { [userId: string]: AvailabilityPayload };
  "API.UPDATE_AVAILABILITY": AvailabilityPayload;
  /** By user id, as text. Without unknown users. */
  "API.WATCH_AVAILABILITIES": { [userId: string]: AvailabilityPayload | UserErrorPayload };
  /** The added users, by user id, as text. Without unknown users. */
  "API.CHANGE_WATCHED_USERS": { [userId: string]: AvailabilityPayload | UserErrorPayload };
  "BUS.REGISTER": {
    /** Protocol version of the widget. */
    protocol: 1;
    /** Changes with every load of the widget. */
    sessionId: string;
    /** The types of the requests that the widget knows. */
    events: string[];
    /** Names of the events that a connector treats in a special way. */
    traits?: {
      /** Requests that a connector may send again to the next widget. */
      idempotent: string[];
      /** Settlements and announcements whose payload is an availability, or holds availabilities by user id. */
      availabilities: string[];
    };
  };
  // biome-ignore lint/complexity/noBannedTypes: the schema's own output.
  "BUS.PING": {};
  "BUS.CANCEL": {
    /** False if no such request is in flight, for example because it has just settled. */
    cancelled: boolean;
  };
  "BUS.INIT": void;
  "BUS.DESTROY": void;
  "BUS.STATS": {
    /** Backend calls, without streams and retries. */
    calls: number;
    /** Requests that shared another request's backend call. */
    coalesced: number;
    /** Retries of backend calls. */
    retries: number;
    /** Streams that this widget has opened by itself. */
    streams: number;
    /** Bytes of the backend's response bodies, decompressed. */
    bytes: number;
  };
  "AUTH.REFRESH_TOKEN": void;
}

/** Payload of each announcement. */
export interface AnnouncedPayloads {
  "USER.AVAILABILITY_CHANGED": ChangedAvailabilityPayload;
  "USER.TEAMMATE_AVAILABILITY_CHANGED": ChangedAvailabilityPayload;
  "USER.AVAILABILITY_REMOVED": {
    userId: number;
    /** If the user returns, the user's availability has a higher version. */
    version: number;
    /** True if the backend has the user and cannot read the availability at present. A request for the user has the error. */
    isUnreadable?: boolean | undefined;
  };
  "LIVE.STATE_CHANGED": {
    /** `live` while each change reaches the widget, otherwise `stale`. */
    state: "live" | "stale";
    /** Milliseconds since the latest sign of life from the backend, when the widget posted this announcement. */
    ageMs: number;
  };
  "AUTH.SESSION_EXPIRED": void;
  "HOST.RESIZE": {
    /** The least width that shows the content well, in CSS pixels. */
    width: number;
    /** The height of the whole content, in CSS pixels. */
    height: number;
  };
}

/** Fulfilled payload of each request of the widget to the page. */
export interface HostFulfilledPayloads {
  "HOST.FETCH_TOKEN": {
    /** Credentials of `Authorization: Bearer`. */
    token: string;
  };
}
