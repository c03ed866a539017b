import type { GenericSchema, InferInput, InferOutput } from "valibot";

/** Domain value in an event's payload that a connector reads by itself: one availability, or availabilities by user id. */
export type CarriedValue = "availability";

/** One request of the contract: the single place that declares its shapes and how either side treats the request. */
export interface RequestEntry<
  Payload extends GenericSchema = GenericSchema,
  Fulfilled extends GenericSchema = GenericSchema,
> {
  /** Schema of the request's payload. */
  readonly payload: Payload;
  /** Schema of the fulfilled payload. */
  readonly fulfilled: Fulfilled;
  /** True if sending the request twice has the effect of sending it once. A connector then sends it again to the next widget. */
  readonly idempotent: boolean;
  /** Value in the fulfilled payload that the connector hands to `watch`. Absent: none. */
  readonly carries?: CarriedValue;
  /** True if the request is accepted beyond the limit of requests in flight. @default false */
  readonly bypassesLimit?: boolean;
}

/** Declares a request. Its types, checks, traits and documentation are derived from this entry. */
export function request<Payload extends GenericSchema, Fulfilled extends GenericSchema>(
  entry: RequestEntry<Payload, Fulfilled>,
): RequestEntry<Payload, Fulfilled> {
  return entry;
}

/** One announcement of the contract: an event that the widget posts unasked and the page does not answer. */
export interface AnnouncementEntry<Payload extends GenericSchema = GenericSchema> {
  /** Schema of the announcement's payload. */
  readonly announced: Payload;
  /** Value in the payload that the connector hands to `watch`. Absent: none. */
  readonly carries?: CarriedValue;
}

/** Declares an announcement. Its types, traits and documentation are derived from this entry. */
export function announcement<Payload extends GenericSchema>(
  announced: Payload,
  options: Pick<AnnouncementEntry, "carries"> = {},
): AnnouncementEntry<Payload> {
  return { announced, ...options };
}

/** Names of the events that a connector treats in a special way. The widget lists them in the settlement of `BUS.REGISTER`. */
export interface EventTraits {
  /** Requests that a connector may send again to the next widget. */
  readonly idempotent: string[];
  /** Settlements and announcements whose payload is an availability, or holds availabilities by user id. */
  readonly availabilities: string[];
}

/** Lists the traits of a contract's events. */
export function eventTraits(
  requests: Readonly<Record<string, RequestEntry>>,
  announcements: Readonly<Record<string, AnnouncementEntry>>,
): EventTraits {
  const requestTypes = Object.keys(requests);
  const announcementTypes = Object.keys(announcements);
  return {
    idempotent: requestTypes.filter((type) => requests[type]?.idempotent),
    availabilities: [
      ...requestTypes.filter((type) => requests[type]?.carries === "availability").map((type) => `${type}_FULFILLED`),
      ...announcementTypes.filter((type) => announcements[type]?.carries === "availability"),
    ],
  };
}

/** An object whose every property is a contract entry. */
export type ContractOf<Contract> = { readonly [Type in keyof Contract]: RequestEntry };

/** The request types of a contract. */
export type RequestTypeOf<Contract> = keyof Contract & string;

/** Payload of an announcement of this type. */
export type AnnouncedPayloadOf<
  Announcements extends Readonly<Record<Type, AnnouncementEntry>>,
  Type extends keyof Announcements,
> = InferOutput<Announcements[Type]["announced"]>;

/** Payload of a request of this type, as the caller writes it. */
export type RequestPayloadOf<Contract extends ContractOf<Contract>, Type extends keyof Contract> = InferInput<
  Contract[Type]["payload"]
>;

/** Payload that a handler of this type receives: the output of the request's schema. */
export type ParsedPayloadOf<Contract extends ContractOf<Contract>, Type extends keyof Contract> = InferOutput<
  Contract[Type]["payload"]
>;

/** Fulfilled payload of a request of this type. */
export type FulfilledPayloadOf<Contract extends ContractOf<Contract>, Type extends keyof Contract> = InferOutput<
  Contract[Type]["fulfilled"]
>;
