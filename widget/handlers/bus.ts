import { eventTraits } from "../../shared/contracts/contract.ts";
import { announcements, type BusContract, contract } from "../../shared/contracts/index.ts";
import { invalidRequestError } from "../../shared/protocol/rejection.ts";
import type { Handlers } from "../../shared/runtime/dispatch.ts";
import type { WidgetServices } from "../services.ts";

/** Handlers of the bus itself. */
export const bus = {
  "BUS.REGISTER": ({ origin }, { sessionId, pageOrigin, onRegistered }) => {
    if (origin !== pageOrigin()) throw invalidRequestError("payload.origin", `the page's own origin, ${pageOrigin()}`);
    onRegistered();
    return { protocol: 1, sessionId, events: Object.keys(contract), traits: eventTraits(contract, announcements) };
  },
  "AUTH.REFRESH_TOKEN": (_payload, { refreshToken }) => refreshToken(),
  "BUS.PING": () => ({}),
  "BUS.INIT": ({ services }, { live }) => live.init(services),
  "BUS.DESTROY": ({ services }, { live }) => live.destroy(services),
  "BUS.STATS": (_payload, { gateway }) => ({ ...gateway.statistics }),
  "BUS.CANCEL": ({ id }, _services, { cancel }) => ({ cancelled: cancel(id) }),
} satisfies Partial<Handlers<BusContract, WidgetServices>>;
