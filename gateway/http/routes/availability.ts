import { Hono } from "hono";
import type { Availability } from "../../../shared/contracts/availability.ts";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import { conditionalResponse, type Representation } from "../conditional-response.ts";
import { methodNotAllowed, problem } from "../problem.ts";
import { changeStatus, limitBody } from "./status-change.ts";
import { OWN_USER, parseUserId, USER_ID } from "./user-id.ts";

/** Where the availability of one user is. */
export const AVAILABILITY_PATH = "/v1/users/:userId/availability";

/** An availability as it is sent, which may be this old. */
export function representAvailability(availability: Availability, ageSeconds: number) {
  return {
    // Wrap-up time that has run down leaves the version as it is: a reader counts down by itself.
    etag: `"${availability.version}"`,
    contentType: "application/json",
    body: JSON.stringify(availability),
    headers: { "Cache-Control": "private, no-cache", ...(ageSeconds > 0 && { Age: `${ageSeconds}` }) },
  } satisfies Representation;
}

/** Serves the availability of one user, to be read and to be set. */
export function createAvailabilityRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get(AVAILABILITY_PATH, async (context) => {
      const customer = context.get("customer");
      if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
      if (context.req.param("userId") === OWN_USER) return refuseMethod(context);
      const userId = parseUserId(context.req.param("userId"));
      if (userId === undefined) return problem(400, `A user id is ${USER_ID}`);
      const request = context.req.raw;
      const { value: availability, ageSeconds } = await customer.availabilities.read(userId, request.signal);
      if (!availability) return problem(404, `No user ${userId}`);
      return conditionalResponse(request, representAvailability(availability, ageSeconds));
    })
    .put(AVAILABILITY_PATH, limitBody, changeStatus)
    .all(AVAILABILITY_PATH, refuseMethod);
}

/** An agent sets its own availability without knowing its id, and reads by ids alone. */
function refuseMethod({ req }: AppContext): Response {
  return methodNotAllowed(req.param("userId") === OWN_USER ? "PUT" : "GET, HEAD, PUT")();
}
