import { Hono } from "hono";
import * as v from "valibot";
import { UserId } from "../../shared/contracts/availability.ts";
import { answerWith } from "../conditional.ts";
import type { GatewayEnvironment } from "../environment.ts";
import { methodNotAllowed, problem } from "../problem.ts";

/** Serves the availability of one user. */
export function createAvailabilityRoutes(): Hono<GatewayEnvironment> {
  const path = "/v1/users/:userId/availability";
  return new Hono<GatewayEnvironment>()
    .get(path, async (context) => {
      const { customer } = context.var;
      if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
      const userId = parseUserId(context.req.param("userId"));
      if (userId === undefined) {
        return problem(400, `A user id is a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`);
      }
      const request = context.req.raw;
      const { value: availability, ageSeconds } = await customer.availabilities.read(userId, request.signal);
      if (!availability) return problem(404, `No user ${userId}`);
      return answerWith(request, {
        // Wrap-up time that has run down leaves the version as it is: a reader counts down by itself.
        etag: `"${availability.version}"`,
        contentType: "application/json",
        body: JSON.stringify(availability),
        headers: { "Cache-Control": "private, no-cache", ...(ageSeconds > 0 && { Age: `${ageSeconds}` }) },
      });
    })
    .all(path, methodNotAllowed("GET, HEAD"));
}

/** A user has one address, so `01`, `1.0` and `1e3` are no ids. */
function parseUserId(text: string): number | undefined {
  const userId = Number(text);
  return v.is(UserId, userId) && String(userId) === text ? userId : undefined;
}
