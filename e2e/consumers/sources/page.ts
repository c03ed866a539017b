import {
  type Availability,
  type Connector,
  connect,
  defineAvailabilityBadge,
  type FulfilledPayload,
  isBusError,
  type RequestPayload,
  type WatchStatus,
} from "availability-bridge";
import { defineAvailabilityBadge as defineBadge } from "availability-bridge/badge";

const connector: Connector = connect({ src: "https://widget.example.com/widget/" });
const payload: RequestPayload<"API.FETCH_USER_AVAILABILITY"> = { variables: { userId: 123 } };

export async function read(): Promise<Availability["status"]> {
  try {
    const answer: FulfilledPayload<"API.FETCH_USER_AVAILABILITY"> = await connector.request(
      "API.FETCH_USER_AVAILABILITY",
      payload,
    );
    return answer.status;
  } catch (error) {
    return isBusError(error) ? (error.code ?? "none") : "other";
  }
}

// @ts-expect-error -- a wrong payload must not compile: the types are known, and not `any`.
void connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: "123" } });

connector.watch([123], ({ version }) => void version.toFixed(), {
  onStatus: ({ status }: WatchStatus) => void status.length,
});
connector.on("USER.TEAMMATE_AVAILABILITY_CHANGED", ({ payload: { updatedAt } }) => void updatedAt.toFixed());
defineAvailabilityBadge(connector);
defineBadge(connector);

const badge = document.createElement("availability-badge");
badge.userId = 123;
badge["user-id"] = "123";
badge.userId = undefined;
// @ts-expect-error -- the element's types are known: an id is a number or a text.
badge.userId = {};
