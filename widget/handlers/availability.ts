import type { BusContract } from "../../shared/contracts/index.ts";
import type { Handlers } from "../../shared/runtime/dispatch.ts";
import type { WidgetServices } from "../services.ts";

/** Handlers of the availability domain. */
export const availability = {
  "API.FETCH_USER_AVAILABILITY": ({ variables: { userId } }, { gateway }, scope) =>
    gateway.fetchAvailability(userId, scope),
  "API.FETCH_AVAILABILITIES": (_payload, { gateway }, scope) => gateway.fetchAvailabilities(undefined, scope),
  "API.UPDATE_AVAILABILITY": ({ status }, { gateway }, scope) => gateway.updateOwnAvailability(status, scope),
  "API.WATCH_AVAILABILITIES": ({ variables: { userIds } }, { live }, scope) => live.watch(userIds, scope),
} satisfies Partial<Handlers<BusContract, WidgetServices>>;
