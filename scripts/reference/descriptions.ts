/**
 * What the contract's schemas do not say: what each event and each field means. It stands here, and not beside the schemas,
 * since those are in the widget's document, which a request waits for. The page is not made where a field has no meaning.
 */
import type { Announcements, BusContract, HostContract } from "../../shared/contracts/index.ts";
import type { RejectionCode } from "../../shared/protocol/rejection.ts";

/** By the field's path. */
export type FieldDescriptions = Readonly<Record<string, string>>;

/** Values that stand for an exchange, where no golden vector can. */
interface Sample {
  readonly payload?: unknown;
  readonly fulfilled: unknown;
}

export interface RequestDescription {
  /** What it asks for, in whole sentences. */
  readonly does: string;
  readonly payload?: FieldDescriptions;
  readonly fulfilled?: FieldDescriptions;
  /** Names of the golden exchanges that are shown, or values. */
  readonly examples: readonly string[] | Sample;
}

const availability = {
  userId: "The agent.",
  status:
    "The state, or the reason that stands in place of `do_not_disturb`: from `out_for_lunch` on. `in_traning` is spelt so.",
  wrapUpTimeConfig:
    "How long the agent stays unavailable after each call, in seconds. With `wrapUpTimeTtl`, or neither is there: the agent has no wrap-up time.",
  wrapUpTimeTtl: "How much of it was left when the answer was made, in seconds, down to 0. At most `wrapUpTimeConfig`.",
  version: "Grows with every change and never goes back. A reader that holds a higher one drops what it has read.",
};

/** The shapes that more than one event has, by the name of their section. */
export const SHAPE_DESCRIPTIONS = {
  Availability: {
    does: "An agent's availability. Callable is who is `available` with no wrap-up time left: `readAvailability` tells.",
    fields: availability,
  },
  "Changed availability": {
    does: "An availability as it is told when it changes. Its `version` and that of an answer are in one order.",
    fields: { ...availability, updatedAt: "When it last changed, in milliseconds since 1970." },
  },
} satisfies Record<string, { readonly does: string; readonly fields: FieldDescriptions }>;

export const REQUEST_DESCRIPTIONS = {
  "API.FETCH_USER_AVAILABILITY": {
    does: "Asks for one agent's availability as the backend has it now.",
    payload: { "variables.userId": "The agent." },
    examples: ["wrap-up configured and running"],
  },
  "API.FETCH_AVAILABILITIES": {
    does: "Asks for the availability of every agent that the page's token may see.",
    examples: ["wrap-up running, and over"],
  },
  "API.WATCH_AVAILABILITIES": {
    does: "Says which agents the page shows from now on, in place of those that it named before; none ends the watch. Fulfils with how they are now, without those whom nobody knows. Each change of one of them is announced from then on; what the answer has said is not.",
    payload: { "variables.userIds": "The agents. One that is named twice counts once." },
    examples: ["two users", "an id is text"],
  },
  "API.UPDATE_AVAILABILITY": {
    does: "Sets the availability of the agent that the page's token stands for, and fulfils with what it is now. While the agent is in a call, the change does not end it.",
    payload: {
      status:
        "`always_opened` and `auto` make the agent `available`, `always_closed` `do_not_disturb`, and `in_training`, which is spelt right on this side, `in_traning`. The others are the same words on both sides.",
    },
    examples: ["the word in_training", "in_traning, which is how the other side spells it"],
  },
  "BUS.INIT": {
    does: "Starts the announcements of services. What there is already is announced first.",
    payload: { services: "What to announce: `USER` for every agent that the page's token may see." },
    examples: ["USER", "a service that there is not"],
  },
  "BUS.DESTROY": {
    does: "Ends the announcements of services. Those of a watch go on.",
    payload: { services: "What to announce no more." },
    examples: ["USER"],
  },
  "BUS.STATS": {
    does: "Asks what the widget has done since it was loaded, for an inspector.",
    fulfilled: {
      calls: "Calls to the backend; streams and repetitions are not counted.",
      coalesced: "Requests that were answered by a call that others had asked for as well.",
      retries: "Repetitions of calls.",
      streams: "Streams that this widget has opened itself.",
      bytes: "Bytes of bodies that the backend has sent, decompressed.",
    },
    examples: ["a call, and what it brought"],
  },
  "BUS.REGISTER": {
    does: "Says who the page is. The connector sends it after every handshake; another page may skip it.",
    payload: {
      origin: "The page's own origin: any other is refused.",
      appName: "The page's name, for the widget's records.",
      release: "The page's version, for the widget's records.",
    },
    fulfilled: {
      protocol: "The number of the protocol that the widget speaks.",
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
  "BUS.PING": {
    does: "Asks for a sign of life. The connector does so while requests are in flight.",
    examples: ["a sign of life"],
  },
  "BUS.CANCEL": {
    does: "Aborts the request in flight that carries this `meta.id`, down to its backend call. That request settles as `ABORTED`.",
    payload: { id: "The request's `meta.id`." },
    fulfilled: { cancelled: "False where no such request is in flight, as when it has just settled." },
    examples: ["nothing of this name is in flight"],
  },
} satisfies Record<keyof BusContract, RequestDescription>;

export const HOST_REQUEST_DESCRIPTIONS = {
  "HOST.FETCH_TOKEN": {
    does: "Asks for a token that tells the backend for whom the page asks: [tokens.md](tokens.md). A page that answers anything else, or says nothing for 5 s, has none.",
    fulfilled: { token: "What the widget sends to the backend as `Authorization: Bearer`." },
    examples: { fulfilled: { token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2ln" } },
  },
} satisfies Record<keyof HostContract, RequestDescription>;

export const ANNOUNCEMENT_DESCRIPTIONS = {
  "USER.AVAILABILITY_CHANGED": "The availability of the agent that the page's token stands for has changed.",
  "USER.TEAMMATE_AVAILABILITY_CHANGED":
    "Another agent's availability has changed. Of a token that stands for no agent, such as the operator's, and without a token, all are told so.",
  "AUTH.SESSION_EXPIRED":
    "The backend takes no token of the page's any more. Requests are rejected with the backend's own 401, and nothing is announced until the page gives a token that is taken.",
} satisfies Record<keyof Announcements, string>;

export const CODE_DESCRIPTIONS: Readonly<Record<RejectionCode, string>> = {
  INVALID_REQUEST: "The request is not what this page says; `issues` names each field and what was expected of it.",
  UNKNOWN_EVENT: "The widget knows no such event.",
  TIMEOUT: "A connected widget said nothing in time. The outcome is unknown.",
  ABORTED: "The caller aborted.",
  WIDGET_UNAVAILABLE: "No widget was connected within the request's life.",
  CONNECTION_CLOSED:
    "The connector was destroyed, the frame was removed, or the widget went with a request that may not be sent twice.",
  BACKEND_UNREACHABLE: "The widget could not reach the backend.",
  BACKEND_TIMEOUT: "The backend did not answer within the request's life.",
  INVALID_RESPONSE: "An answer is not what this page says; `issues` says where, if it is known.",
  OVERLOADED: "Too many requests are in flight: 1,024 on a connection.",
  INTERNAL: "A defect of the bridge; its text stays in the console of the side that failed.",
};
