import type { ApiRoute } from "./api-route.ts";
import { availabilitiesRoute } from "./availabilities.ts";
import { availabilityRoute } from "./availability.ts";
import { streamRoute } from "./stream.ts";
import { webhookRoute } from "./webhook.ts";

/** Every route below a customer's address that needs a token. `gateway/app.ts` serves the list; `/openapi.json` describes it. */
export const TOKEN_ROUTES: readonly ApiRoute[] = [streamRoute, availabilitiesRoute, availabilityRoute];

/** Every route below a customer's address whose callers send a secret of their own. */
export const OWN_SECRET_ROUTES: readonly ApiRoute[] = [webhookRoute];
