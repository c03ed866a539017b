import type { BusContract } from "../../shared/contracts/index.ts";
import type { Handlers } from "../../shared/dispatch.ts";
import type { WidgetServices } from "../services.ts";

/** Handlers of the availability domain. */
export const availability = {
  "API.FETCH_USER_AVAILABILITY": ({ variables: { userId } }, { gateway }, scope) =>
    gateway.fetchAvailability(userId, scope),
} satisfies Partial<Handlers<BusContract, WidgetServices>>;
