import {
  type Availability,
  type Connector,
  connect,
  isBusError,
  readAvailability,
  TimeoutError,
  type WatchedAvailability,
} from "availability-bridge";
import { defineAvailabilityBadge } from "availability-bridge/badge";

const connector: Connector = connect({ src: "https://widget.example.com/widget/" });
defineAvailabilityBadge(connector);

export async function readAgent(): Promise<void> {
  const availability = await connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } });
  //                                   ^ hover: Sends a request and resolves with the payload of the fulfilled settlement.
  //    ^ hover: const availability: Availability
  const copy: Availability = availability;
  //          ^ hover: An agent's availability. The wrap-up keys are present only if the agent has configured a wrap-up time
  console.log(copy.wrapUpTimeTtl, readAvailability(availability).callable);
  //               ^ hover: Wrap-up time remaining when the gateway responded, in seconds, down to 0.
  //                                                             ^ hover: True only for `available` with no wrap-up time left.
  //                              ^ hover: Reads an availability for display: state, reason, and whether the agent can be called now.
  const all = await connector.request("API.FETCH_AVAILABILITIES");
  //    ^ hover: const all: Availabilities
  console.log(all["123"]?.status);
  const statistics = await connector.request("BUS.STATS", undefined, { timeoutMs: 5_000 });
  //    ^ hover: const statistics: WidgetStatistics
  console.log(statistics.coalesced);
  //                     ^ hover: Requests that shared another request's backend call.
}

export function makeMistakes(): void {
  void connector.request("API.FETCH_USER_AVAILABILITY");
  //             ^ error: Expected 2-3 arguments, but got 1
  void connector.request("API.FETCH_USER_AVAILABILTY", { variables: { userId: 123 } });
  //                     ^ error: "API.FETCH_USER_AVAILABILTY"
  void connector.request("API.FETCH_USER_AVAILABILITY", { variables: { usrId: 123 } });
  //                                                                   ^ error: 'usrId' does not exist in type
  void connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: "123" } });
  //                                                                   ^ error: Type 'string' is not assignable to type 'number'
  void connector.request("API.UPDATE_AVAILABILITY", { status: "in_traning" });
  //                                                  ^ error: Type '"in_traning"' is not assignable to type
  void connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }, { timeout: 5_000 });
  //                                                                                      ^ error: 'timeout' does not exist in type 'RequestOptions'
  connect({ src: "https://widget.example.com/widget/", timeout: 5_000 });
  //                                                   ^ error: 'timeout' does not exist in type 'ConnectOptions'
  connector.watch("123", () => {});
  //              ^ error: Argument of type 'string' is not assignable to parameter of type 'number | readonly number[]'
}

export function listen(): void {
  connector.on("USER.AVAILABILTY_CHANGED", () => {});
  //           ^ error: Argument of type '"USER.AVAILABILTY_CHANGED"' is not assignable to parameter of type
  connector.on("USER.TEAMMATE_AVAILABILITY_CHANGED", ({ payload }) => console.log(payload.updatedAt));
  //                                                                                      ^ hover: Time of the last change, in milliseconds since 1970.
  //        ^ hover: Subscribes to settlements and announcements of a type, or of every type by `"*"`.
  connector.on("*", (event) => {
    //               ^ hover: (parameter) event: AnyEvent
    if (event.type === "HOST.RESIZE") console.log(event.payload.height.toFixed(), event);
    //                                                                            ^ hover: Announcement<"HOST.RESIZE">
    if (event.type === "API.FETCH_USER_AVAILABILITY_FULFILLED") console.log(event.payload.userId, event);
    //                                                                                            ^ hover: Fulfilled<"API.FETCH_USER_AVAILABILITY", Availability>
    if (event.type === "API.FETCH_USER_AVAILABILITY_REJECTED") console.log(event.meta.source, event.payload.error);
    if (event.type === "HOST.RESIZED") console.log(event);
    //  ^ error: This comparison appears to be unintentional
    if (event.type === "HOST.RESIZE") console.log(event.payload.heigth);
    //                                                          ^ error: Did you mean 'height'?
  });
  const laterType: string = "USER.OF_A_NEWER_WIDGET";
  connector.on(laterType, ({ payload }) => console.log(payload));
  const unwatch = connector.watch([123, 124], (availability: WatchedAvailability) => console.log(availability.userId), {
    //                      ^ hover: Watches the availability of one or more users until the returned function is called
    onStatus: ({ status }) => console.log(status === "session-expired"),
  });
  unwatch();
}

export function explain(error: unknown): string | undefined {
  if (!isBusError(error)) throw error;
  //   ^ hover: Checks for an error of a connector
  switch (error.code) {
    case undefined:
      return `${error.name} ${error.status.toFixed()}`;
    //                              ^ hover: status: number
    case "INVALID_REQUEST":
    case "INVALID_RESPONSE":
      return error.error?.issues?.map(({ path, expected }) => `${path}: expected ${expected}`).join();
    //                    ^ hover: Faults, field by field.
    case "TIMEOUT":
      return error.name satisfies "TimeoutError";
    //             ^ hover: "TimeoutError"
    case "WIDGET_UNAVAILABLE":
      return error.name;
    //             ^ hover: "ConnectionError"
    default:
      if (error instanceof TimeoutError) return error;
      return error.error?.message;
    //                    ^ hover: A sentence for a developer.
  }
}

export function isSlow(error: unknown): boolean {
  return isBusError(error) && error.code === "TIMED_OUT";
  //                          ^ error: This comparison appears to be unintentional
}

const badge = document.createElement("availability-badge");
void (badge.userId = {});
//    ^ error: Type '{}' is not assignable to type
badge.addEventListener("availability-change", ({ detail }) => console.log(detail.callable));
//                                                                               ^ hover: True only if the agent can be called now.
connector.refreshToken().catch(() => connect);
//        ^ definition: dist/src/host/connector.ts: refreshToken(): Promise<void>;
//                                   ^ definition: dist/src/host/connect.ts: export function connect(options: ConnectOptions): Connector {
