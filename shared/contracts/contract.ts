import type { GenericSchema, InferInput, InferOutput } from "valibot";

/** One request of the contract: the single place where its shapes are written. */
export interface RequestEntry<
  Payload extends GenericSchema = GenericSchema,
  Fulfilled extends GenericSchema = GenericSchema,
> {
  /** Schema of the request's payload. */
  readonly payload: Payload;
  /** Schema of the payload that it fulfils with. */
  readonly fulfilled: Fulfilled;
  /** Whether the request may be sent twice without doing anything twice. */
  readonly idempotent: boolean;
}

/** Declares a request. Every type, check and table that concerns it is derived from what is given here. */
export function request<Payload extends GenericSchema, Fulfilled extends GenericSchema>(
  entry: RequestEntry<Payload, Fulfilled>,
): RequestEntry<Payload, Fulfilled> {
  return entry;
}

/** One announcement of the contract: what is told unasked, and answered with nothing. */
export interface AnnouncementEntry<Payload extends GenericSchema = GenericSchema> {
  /** Schema of the announcement's payload. */
  readonly announced: Payload;
}

/** Declares an announcement. Every type and table that concerns it is derived from what is given here. */
export function announcement<Payload extends GenericSchema>(announced: Payload): AnnouncementEntry<Payload> {
  return { announced };
}

/** The types of the requests that may be sent twice. */
export function idempotentRequests(contract: Readonly<Record<string, RequestEntry>>): readonly string[] {
  return Object.entries(contract).flatMap(([type, { idempotent }]) => (idempotent ? [type] : []));
}

/** A value whose every property is a contract entry. */
export type ContractOf<Contract> = { readonly [Type in keyof Contract]: RequestEntry };

/** The request types of a contract. */
export type RequestType<Contract> = keyof Contract & string;

/** What an announcement of this type carries. */
export type AnnouncedPayload<
  Announcements extends Readonly<Record<Type, AnnouncementEntry>>,
  Type extends keyof Announcements,
> = InferOutput<Announcements[Type]["announced"]>;

/** What a request of this type carries, as the asker writes it. */
export type RequestPayload<Contract extends ContractOf<Contract>, Type extends keyof Contract> = InferInput<
  Contract[Type]["payload"]
>;

/** What a handler of this type receives: the payload after its schema has read it. */
export type ParsedPayload<Contract extends ContractOf<Contract>, Type extends keyof Contract> = InferOutput<
  Contract[Type]["payload"]
>;

/** What a request of this type fulfils with. */
export type FulfilledPayload<Contract extends ContractOf<Contract>, Type extends keyof Contract> = InferOutput<
  Contract[Type]["fulfilled"]
>;
