import type { BusContract } from "../../shared/contracts/index.ts";
import type { Handlers } from "../../shared/runtime/dispatch.ts";
import type { WidgetServices } from "../services.ts";

/** Handlers of the availability domain. */
export const availability = {
  "API.FETCH_USER_AVAILABILITY": ({ variables: { userId } }, { gateway }, context) =>
    gateway.fetchAvailability(userId, context),
  "API.FETCH_AVAILABILITIES": (_payload, { gateway }, context) => gateway.fetchAllAvailabilities(context),
  "API.UPDATE_AVAILABILITY": ({ status }, { gateway }, context) => gateway.updateOwnAvailability(status, context),
  "API.WATCH_AVAILABILITIES": ({ variables: { userIds } }, { live }, context) => live.watch(userIds, context),
  "API.CHANGE_WATCHED_USERS": ({ variables }, { live }, context) => live.changeWatched(variables, context),
} satisfies Partial<Handlers<BusContract, WidgetServices>>;
