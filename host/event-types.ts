/** Types of the events on a host page. */
import type {
  AnnouncedPayloads,
  Availability,
  FulfilledPayloads,
  RequestPayloads,
} from "../shared/contracts/event-payloads.ts";
import type { Envelope, Fulfilled, Rejected, RequestMeta } from "../shared/protocol/envelope.ts";

export type { Availability, AvailabilityStatus } from "../shared/contracts/event-payloads.ts";

/** Types of the requests that a page may send. */
export type RequestType = keyof RequestPayloads;

/** Payload of a request of type `Type`. */
export type RequestPayload<Type extends RequestType> = RequestPayloads[Type];

/** Payload of the fulfilled settlement. Enumerations stay open, because a newer widget may send new values. */
export type FulfilledPayload<Type extends RequestType> = FulfilledPayloads[Type];

/** A request as an envelope. */
export interface RequestEvent<Type extends RequestType = RequestType> {
  readonly type: Type;
  readonly payload: RequestPayload<Type>;
  readonly meta?: RequestMeta;
}

/** An event of a type unknown to the contract. An event of a known type has to match the contract. */
export interface UnknownEvent<Type extends string> extends Envelope {
  readonly type: Type extends RequestType ? never : Type;
  readonly meta?: RequestMeta;
}

/** Settlement of a request of type `Type`: fulfilled or rejected. */
export type SettlementOf<Type extends RequestType> = Fulfilled<Type, FulfilledPayload<Type>> | Rejected<Type>;

/** Types of the widget's announcements. */
export type AnnouncementType = keyof AnnouncedPayloads;

/** An announcement as a host page receives it. */
export interface Announcement<Type extends AnnouncementType = AnnouncementType> extends Envelope {
  readonly type: Type;
  readonly payload: AnnouncedPayloads[Type];
}

/** Settlements and announcements for listeners, by event type. */
type EventsByType = {
  readonly [Type in RequestType as `${Type}_FULFILLED`]: Fulfilled<Type, FulfilledPayload<Type>>;
} & {
  readonly [Type in RequestType as `${Type}_REJECTED`]: Rejected<Type>;
} & {
  readonly [Type in AnnouncementType]: Announcement<Type>;
};

/**
 * Every settlement and announcement that this release knows, told apart by `type`. A newer widget, or a request that this release does not know,
 * may bring further types: a `switch` needs a `default`.
 */
export type AnyEvent = EventsByType[keyof EventsByType];

/** Types that `connector.on` listens to: of one event, or `"*"` for all of them. */
export type ListenableType = keyof EventsByType | "*";

/** What a listener of `Type` receives. */
export type ListenedEvent<Type extends ListenableType> = Type extends keyof EventsByType
  ? EventsByType[Type]
  : AnyEvent;

/** Receives a settlement together with its request, or an announcement without a request. */
export type EventListener<Event extends Envelope = AnyEvent> = (event: Event, request?: Envelope) => void;

/** An availability as the listeners of `watch` receive it. */
export interface WatchedAvailability extends Availability {
  /** Time of the last change, in milliseconds since 1970. Absent if the widget has not sent the time. */
  readonly updatedAt?: number;
}
