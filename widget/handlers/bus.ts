import type { BusContract } from "../../shared/contracts/index.ts";
import type { Handlers } from "../../shared/dispatch.ts";
import type { WidgetServices } from "../services.ts";

/** Handlers of the bus itself. */
export const bus = {
  "BUS.CANCEL": ({ id }, _services, { cancel }) => ({ cancelled: cancel(id) }),
} satisfies Partial<Handlers<BusContract, WidgetServices>>;
