/**
 * The bus as a host page sees it. Everything is derived from the contract by type alone, so no schema reaches the page.
 */
import type * as contract from "../shared/contracts/contract.ts";
import type { Announcements, BusContract } from "../shared/contracts/index.ts";
import type { Envelope, Fulfilled, Rejected, RequestMeta } from "../shared/protocol/envelope.ts";

/** The events that a host may send. */
export type RequestType = contract.RequestTypeOf<BusContract>;

/** What a request of this type carries. */
export type RequestPayload<Type extends RequestType> = contract.RequestPayloadOf<BusContract, Type>;

/** What a request of this type fulfils with. Words of an enumeration stay open, since a widget may be newer than this code. */
export type FulfilledPayload<Type extends RequestType> = WithOpenEnums<contract.FulfilledPayloadOf<BusContract, Type>>;

/** An agent's availability as a host page gets it. */
export type Availability = FulfilledPayload<"API.FETCH_USER_AVAILABILITY">;

/** A request as an envelope. */
export interface RequestEvent<Type extends RequestType = RequestType> {
  readonly type: Type;
  readonly payload: RequestPayload<Type>;
  readonly meta?: RequestMeta;
}

/** An event whose type this version does not know. One that it does know has to be what the contract says. */
export interface UnknownEvent<Type extends string> extends Envelope {
  readonly type: Type extends RequestType ? never : Type;
  readonly meta?: RequestMeta;
}

/** The settlement of a request of this type: fulfilled or rejected. */
export type SettlementOf<Type extends RequestType> = Fulfilled<Type, FulfilledPayload<Type>> | Rejected<Type>;

/** What the widget announces. */
export type AnnouncementType = keyof Announcements;

/** An announcement as a host page gets it. */
export interface Announcement<Type extends AnnouncementType = AnnouncementType> extends Envelope {
  readonly type: Type;
  readonly payload: WithOpenEnums<contract.AnnouncedPayloadOf<Announcements, Type>>;
}

/** What can be listened to, by the name of the event. */
export type ListenableEvents = {
  readonly [Type in RequestType as `${Type}_FULFILLED`]: Fulfilled<Type, FulfilledPayload<Type>>;
} & {
  readonly [Type in RequestType as `${Type}_REJECTED`]: Rejected<Type>;
} & {
  readonly [Type in AnnouncementType]: Announcement<Type>;
};

/** Hears a settlement together with the request that it settles, or an announcement, which has none. */
export type EventListener<Event extends Envelope = Envelope> = (event: Event, request?: Envelope) => void;

/** The same shape with every enumeration of words left open. */
export type WithOpenEnums<Value> = Value extends string
  ? string extends Value
    ? Value
    : Value | (string & {})
  : Value extends object
    ? { readonly [Key in keyof Value]: WithOpenEnums<Value[Key]> }
    : Value;

/** An availability as the listeners of `watch` receive it. */
export type WatchedAvailability = Availability & {
  /** When it last changed, in milliseconds since 1970, where that was told. */
  readonly updatedAt?: number;
};
