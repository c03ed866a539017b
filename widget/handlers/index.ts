import type { BusContract } from "../../shared/contracts/index.ts";
import type { Handlers } from "../../shared/runtime/dispatch.ts";
import type { WidgetServices } from "../services.ts";
import { availability } from "./availability.ts";
import { bus } from "./bus.ts";

/** A handler for every request of the contract: a missing one does not compile. */
export const handlers = { ...availability, ...bus } satisfies Handlers<BusContract, WidgetServices>;
