/** Tests of the public types. The compiler alone checks the file. */
import { expectTypeOf, test } from "vitest";
import type * as contract from "../shared/contracts/contract.ts";
import type {
  AnnouncedPayloads,
  Availabilities,
  FulfilledPayloads,
  HostFulfilledPayloads,
  RequestPayloads,
} from "../shared/contracts/event-payloads.ts";
import type { Announcements, BusContract, HostContract } from "../shared/contracts/index.ts";
import type { Envelope, Rejected, Settlement } from "../shared/protocol/envelope.ts";
import { type AnyBusError, isBusError, TimeoutError } from "../shared/protocol/errors.ts";
import type { Issue, RejectionCode } from "../shared/protocol/rejection.ts";
import type { Handlers } from "../shared/runtime/dispatch.ts";
import { handlers } from "../widget/handlers/index.ts";
import type { WidgetServices } from "../widget/services.ts";
import type { Connector } from "./connector.ts";
import type { AnyEvent, Availability, SettlementOf } from "./event-types.ts";
import type { Unsubscribe } from "./listeners.ts";

declare const connector: Connector;

/** Opens every enumeration of strings in a type to further strings, and makes everything read-only, as a page sees what it receives. */
type Received<Value> = Value extends string
  ? string extends Value
    ? Value
    : Value | (string & {})
  : Value extends object
    ? { readonly [Key in keyof Value]: Received<Value[Key]> }
    : Value;

/** Makes everything read-only, as a page may write it. */
type Sent<Value> = Value extends object ? { readonly [Key in keyof Value]: Sent<Value[Key]> } : Value;

/** The same type without names, for the comparison of an interface. */
type Plain<Value> = Value extends object ? { [Key in keyof Value]: Plain<Value[Key]> } : Value;

test("the plain types have the payloads of the contract's schemas, of each event and of no other", () => {
  expectTypeOf<Plain<RequestPayloads>>().toEqualTypeOf<{
    -readonly [Type in keyof BusContract]: Plain<Sent<contract.RequestPayloadOf<BusContract, Type>>>;
  }>();
  expectTypeOf<Plain<FulfilledPayloads>>().toEqualTypeOf<{
    -readonly [Type in keyof BusContract]: Plain<Received<contract.FulfilledPayloadOf<BusContract, Type>>>;
  }>();
  expectTypeOf<Plain<AnnouncedPayloads>>().toEqualTypeOf<{
    -readonly [Type in keyof Announcements]: Plain<Received<contract.AnnouncedPayloadOf<Announcements, Type>>>;
  }>();
  expectTypeOf<Plain<HostFulfilledPayloads>>().toEqualTypeOf<{
    -readonly [Type in keyof HostContract]: Plain<Received<contract.FulfilledPayloadOf<HostContract, Type>>>;
  }>();
});

test("a request resolves to the fulfilled payload of its contract", () => {
  const answer = connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } });
  expectTypeOf(answer).resolves.toEqualTypeOf<Availability>();
});

test("a request without content needs no payload, and takes options", () => {
  expectTypeOf(connector.request("API.FETCH_AVAILABILITIES")).resolves.toEqualTypeOf<Availabilities>();
  expectTypeOf(connector.request("BUS.INIT", { services: ["USER"] }, { timeoutMs: 5 })).resolves.toEqualTypeOf<void>();
  // @ts-expect-error -- this one has content
  void connector.request("API.FETCH_USER_AVAILABILITY");
});

test("a status can be any string, because a widget may be newer than the page", () => {
  expectTypeOf<"available">().toExtend<Availability["status"]>();
  expectTypeOf<"levitating">().toExtend<Availability["status"]>();
});

test("a dispatch resolves to the settlement of its event", () => {
  const settlement = connector.dispatch({ type: "BUS.CANCEL", payload: { id: "a1" } });
  expectTypeOf(settlement).resolves.toEqualTypeOf<SettlementOf<"BUS.CANCEL">>();
});

test("an event that a newer widget may know can be dispatched", () => {
  expectTypeOf(connector.dispatch({ type: "API.LATER", payload: 1 })).resolves.toEqualTypeOf<Settlement<"API.LATER">>();
});

test("a listener of a type that is known at run time gets an envelope, and a misspelt type does not compile", () => {
  const type: string = "USER.OF_A_NEWER_WIDGET";
  connector.on(type, (event) => expectTypeOf(event).toEqualTypeOf<Envelope>());
  // @ts-expect-error -- there is no such event
  connector.on("USER.AVAILABILTY_CHANGED", () => {});
});

test("a listener of every type gets the union of all events, which `type` tells apart", () => {
  connector.on("*", (event) => {
    expectTypeOf(event).toEqualTypeOf<AnyEvent>();
    if (event.type === "HOST.RESIZE") expectTypeOf(event.payload.height).toEqualTypeOf<number>();
    if (event.type === "BUS.INIT_REJECTED") expectTypeOf(event).toEqualTypeOf<Rejected<"BUS.INIT">>();
  });
});

test("an error's code tells its class and its details", () => {
  const error: unknown = undefined;
  if (!isBusError(error)) return;
  expectTypeOf(error).toEqualTypeOf<AnyBusError>();
  expectTypeOf(error.code).toEqualTypeOf<RejectionCode | undefined>();
  if (error.code === undefined) {
    expectTypeOf(error.status).toEqualTypeOf<number>();
    expectTypeOf(error.name).toEqualTypeOf<"RejectedError">();
  }
  if (error.code === "INVALID_REQUEST") {
    expectTypeOf(error.name).toEqualTypeOf<"ContractError">();
    expectTypeOf(error.error?.issues).toEqualTypeOf<readonly Issue[] | undefined>();
  }
  if (error instanceof TimeoutError) expectTypeOf(error.code).toEqualTypeOf<"TIMEOUT">();
});

test("a listener gets the event that it listens to", () => {
  connector.on("API.FETCH_USER_AVAILABILITY_REJECTED", (event) => {
    expectTypeOf(event).toEqualTypeOf<Rejected<"API.FETCH_USER_AVAILABILITY">>();
  });
});

test("a `watch` listener gets an availability, with an optional time of the last change", () => {
  const off = connector.watch(123, (availability) => {
    expectTypeOf(availability).toExtend<Availability>();
    expectTypeOf(availability.updatedAt).toEqualTypeOf<number | undefined>();
  });
  expectTypeOf(off).toEqualTypeOf<Unsubscribe>();
  // @ts-expect-error -- the id is a number
  connector.watch("123", () => {});
});

test("a listener gets the announcement that it listens to", () => {
  connector.on("USER.TEAMMATE_AVAILABILITY_CHANGED", ({ payload }) => {
    expectTypeOf(payload.version).toEqualTypeOf<number>();
    expectTypeOf(payload.updatedAt).toEqualTypeOf<number>();
  });
});

test("an unknown event or a wrong payload does not compile", () => {
  // @ts-expect-error -- there is no such event
  void connector.request("API.MAKE_COFFEE", {});
  // @ts-expect-error -- the id is a number
  void connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: "123" } });
  // @ts-expect-error -- a known event has to match the contract, also as an envelope
  void connector.dispatch({ type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: "123" } } });
  // @ts-expect-error -- the payload is missing
  void connector.dispatch({ type: "API.FETCH_USER_AVAILABILITY" });
});

test("a contract with a request that has no handler does not compile", () => {
  const { "BUS.CANCEL": _forgotten, ...incomplete } = handlers;
  // @ts-expect-error -- BUS.CANCEL has no handler
  incomplete satisfies Handlers<BusContract, WidgetServices>;
});
