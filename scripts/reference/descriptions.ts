/**
 * Descriptions of each event and each field. The descriptions are not in the contract's schemas, because the schemas
 * are part of the widget's document, which requests wait for. `npm run reference` fails if a field has no description.
 */
import type { Announcements, BusContract, HostContract } from "../../shared/contracts/index.ts";
import type { RejectionCode } from "../../shared/protocol/rejection.ts";

/** Keyed by the field's path. */
export type FieldDescriptions = Readonly<Record<string, string>>;

/** Example values for an exchange that no golden vector can show. */
interface Sample {
  readonly payload?: unknown;
  readonly fulfilled: unknown;
}

export interface RequestDescription {
  /** The effect of the request, in whole sentences. */
  readonly does: string;
  readonly payload?: FieldDescriptions;
  readonly fulfilled?: FieldDescriptions;
  /** Names of the golden exchanges to show, or sample values. */
  readonly examples: readonly string[] | Sample;
}

export interface AnnouncementDescription {
  /** When the widget announces the event, in whole sentences. */
  readonly does: string;
  readonly payload?: FieldDescriptions;
}

const availability = {
  userId: "The agent.",
  status:
    "The agent's state. From `out_for_lunch` on: the reason for `do_not_disturb`. `in_traning` is the vendor's spelling.",
  wrapUpTimeConfig:
    "How long the agent stays unavailable after each call, in seconds. Present together with `wrapUpTimeTtl`; without both, the agent has no wrap-up time.",
  wrapUpTimeTtl:
    "Seconds of wrap-up time that remained when the response was made, down to 0. At most `wrapUpTimeConfig`.",
  version:
    "Grows with every change and never decreases. Ignore an availability whose version is lower than the latest one received.",
};

/** Shapes that several events share, by the title of their section. */
export const SHAPE_DESCRIPTIONS = {
  Availability: {
    does: "An agent's availability. The agent is callable if `available` with no wrap-up time left: use `readAvailability`.",
    fields: availability,
  },
  "Changed availability": {
    does: "An announced change of an availability. The `version` of an announcement and of a response can be compared.",
    fields: { ...availability, updatedAt: "Time of the last change, in milliseconds since 1970." },
  },
} satisfies Record<string, { readonly does: string; readonly fields: FieldDescriptions }>;

export const REQUEST_DESCRIPTIONS = {
  "API.FETCH_USER_AVAILABILITY": {
    does: "Fetches an agent's present availability from the backend.",
    payload: { "variables.userId": "The agent." },
    examples: ["wrap-up configured and running"],
  },
  "API.FETCH_AVAILABILITIES": {
    does: "Fetches the availability of every agent that the page's token may see.",
    examples: ["wrap-up running, and over"],
  },
  "API.WATCH_AVAILABILITIES": {
    does: "Replaces the list of agents that the page watches; an empty list ends the watch. Fulfils with their present availabilities, without unknown agents, and with `{ error, status }` for an agent whom the backend has, but cannot read at present: ask again. Each later change of a watched agent is announced; the availabilities in the response are not.",
    payload: { "variables.userIds": "The agents. Duplicates count once." },
    examples: ["two users", "an id is text"],
  },
  "API.CHANGE_WATCHED_USERS": {
    does: "Adds agents to the list that the page watches, and removes others. Fulfils with the present availabilities of the added agents, also if an agent was on the list before, without unknown agents, and with `{ error, status }` for an agent whom the backend has, but cannot read at present: ask again.",
    payload: {
      "variables.added": "The agents to watch from now on.",
      "variables.removed": "The agents to watch no longer. An agent in both lists is watched.",
    },
    examples: ["one user joins, another leaves"],
  },
  "API.UPDATE_AVAILABILITY": {
    does: "Sets the availability of the agent that the page's token stands for, and fulfils with the new availability. A change does not end the agent's call.",
    payload: {
      status:
        "`always_opened` and `auto` make the agent `available`, `always_closed` `do_not_disturb`, and `in_training` (the correct spelling) `in_traning`. The other values are the same in requests and responses.",
    },
    examples: ["the word in_training", "in_traning, which is how the other side spells it"],
  },
  "BUS.INIT": {
    does: "Starts the announcements of services. The present availabilities are announced first.",
    payload: { services: "The services to announce: `USER` for every agent that the page's token may see." },
    examples: ["USER", "a service that there is not"],
  },
  "BUS.DESTROY": {
    does: "Stops the announcements of services. A watch continues.",
    payload: { services: "The services to stop." },
    examples: ["USER"],
  },
  "BUS.STATS": {
    does: "Fetches counters since the widget was loaded, for an inspector.",
    fulfilled: {
      calls: "Calls to the backend, without streams and retries.",
      coalesced: "Requests that shared a call with other requests.",
      retries: "Retries of calls.",
      streams: "Streams that this widget has opened itself.",
      bytes: "Bytes of response bodies from the backend, decompressed.",
    },
    examples: ["a call, and what it brought"],
  },
  "BUS.REGISTER": {
    does: "Identifies the page. The connector sends it after every handshake; a page without the connector may skip it.",
    payload: {
      origin: "The page's own origin: any other is rejected.",
      appName: "The page's name. This widget checks its length and does not use it.",
      release: "The page's version. This widget checks its length and does not use it.",
    },
    fulfilled: {
      protocol: "The number of the widget's protocol.",
      sessionId: "New at every load of the widget.",
      events: "The requests that the widget knows.",
      "traits.idempotent":
        "The requests that may be sent again. The connector does so when it loses a widget before the settlement; `traits` is absent in release 0.1.0, and the connector then sends nothing again.",
      "traits.availabilities":
        "The settlements and announcements whose payload is an availability, or holds availabilities by user id: what `watch` listens to.",
    },
    examples: {
      payload: { origin: "https://crm.example.com", appName: "Acme CRM", release: "7" },
      fulfilled: {
        protocol: 1,
        sessionId: "2717436166-3788032301-84848026-2993399684",
        events: ["BUS.PING"],
        traits: { idempotent: ["BUS.PING"], availabilities: ["USER.AVAILABILITY_CHANGED"] },
      },
    },
  },
  "AUTH.REFRESH_TOKEN": {
    does: "Makes the widget ask the page for its token at once, for example after a sign-in. Fulfils after the page's answer.",
    examples: ["the page has no token"],
  },
  "BUS.PING": {
    does: "Sends a heartbeat. The connector does so while requests are in flight, and each 15 s while a visible page watches.",
    examples: ["a sign of life"],
  },
  "BUS.CANCEL": {
    does: "Aborts the in-flight request with the given `meta.id` and its backend call. That request settles as `ABORTED`.",
    payload: { id: "The request's `meta.id`." },
    fulfilled: { cancelled: "False if no such request is in flight, for example because it has just settled." },
    examples: ["nothing of this name is in flight"],
  },
} satisfies Record<keyof BusContract, RequestDescription>;

export const HOST_REQUEST_DESCRIPTIONS = {
  "HOST.FETCH_TOKEN": {
    does: "Fetches a token that identifies the agent to the backend: [tokens.md](tokens.md). An invalid response, or silence for 5 s, counts as no token. From a page that has sent `BUS.REGISTER`, silence is a failure: `TOKEN_UNAVAILABLE` if the widget has no token left.",
    fulfilled: { token: "Sent to the backend as `Authorization: Bearer`." },
    examples: { fulfilled: { token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2ln" } },
  },
} satisfies Record<keyof HostContract, RequestDescription>;

export const ANNOUNCEMENT_DESCRIPTIONS = {
  "USER.AVAILABILITY_CHANGED": {
    does: "The availability of the agent that the page's token stands for has changed.",
  },
  "USER.TEAMMATE_AVAILABILITY_CHANGED": {
    does: "Another agent's availability has changed. With a token that stands for no agent, such as the operator's, or without a token, every change is announced so.",
  },
  "USER.AVAILABILITY_REMOVED": {
    does: "An agent was removed, or the page's token may no longer see the agent, or the gateway has the agent and cannot read the availability at present.",
    payload: {
      userId: "The agent.",
      version: "If the agent returns, the availability has a higher version.",
      isUnreadable:
        "True if the gateway cannot read the agent's availability at present. A request for the agent has the error.",
    },
  },
  "LIVE.STATE_CHANGED": {
    does: "The widget no longer hears of changes, or hears of all changes again. Until the first of these announcements the state is `live`.",
    payload: {
      state:
        "`stale`: the widget has had no sign of life from the backend for 45 s, or the backend has refused the stream, so availabilities may be outdated. `live`: the widget hears of every change, and has announced what the page had missed.",
      ageMs: "Milliseconds since the latest sign of life from the backend, when the widget posted this announcement.",
    },
  },
  "AUTH.SESSION_EXPIRED": {
    does: "The backend accepts none of the page's tokens any more. Requests are rejected with the backend's own 401, and announcements stop until the page gives a valid token.",
  },
  "HOST.RESIZE": {
    does: "A visible widget's content needs another size, at most once in a frame of animation. The page decides: it may give the frame this size, less, or none, because the content scrolls. The size does not depend on the frame's height.",
    payload: {
      width: "The least width that shows the content well, in CSS pixels.",
      height: "The height of the whole content at the frame's present width, in CSS pixels.",
    },
  },
} satisfies Record<keyof Announcements, AnnouncementDescription>;

export const CODE_DESCRIPTIONS: Readonly<Record<RejectionCode, string>> = {
  INVALID_REQUEST: "The request does not match this page; `issues` names each field and what was expected.",
  UNKNOWN_EVENT: "The widget knows no such event.",
  TIMEOUT: "A connected widget did not settle the request in time. The outcome is unknown.",
  ABORTED: "The caller aborted.",
  WIDGET_UNAVAILABLE: "No widget was connected within the request's timeout.",
  CONNECTION_CLOSED:
    "The connector was destroyed, the frame was removed, or the widget was lost with a request that may not be sent twice. `retryable` is false after `destroy()`, and while the frame or its container is not in the document.",
  BACKEND_UNREACHABLE: "The widget could not reach the backend.",
  BACKEND_TIMEOUT: "The backend did not respond within the request's timeout.",
  TOKEN_UNAVAILABLE:
    "The page's `fetchToken` has failed, so the widget has no token. It asks again with the next request, after a pause of 1 s.",
  INVALID_RESPONSE: "A response does not match this page; `issues` names the fields, if known.",
  OVERLOADED: "Too many requests are in flight: 1,024 on a connection.",
  INTERNAL: "A defect of the bridge; details are in the console of the side that failed.",
};
