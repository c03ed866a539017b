import { Hono } from "hono";
import type { Availability } from "../../../shared/contracts/availability.ts";
import { requireOwnUser } from "../../auth/require-own-user.ts";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import { AVAILABILITY } from "../../openapi/examples.ts";
import type { OperationObject } from "../../openapi/openapi-document.ts";
import { header, TRACING, USER_ID_PARAMETER } from "../../openapi/parameters.ts";
import { GUARDED, HEADERS, json, orUpstreamResponse, problemResponse, responseOf } from "../../openapi/responses.ts";
import { conditionalResponse, type Representation } from "../conditional-response.ts";
import { methodNotAllowed, problem } from "../problem.ts";
import type { ApiRoute, ApiRouteOptions, Security } from "./api-route.ts";
import { changeOne, changeOwn, changeStatus, limitChangeSize, STATUS_CHANGE_SCHEMA } from "./status-change.ts";
import { OWN_USER, parseUserId, USER_ID } from "./user-id.ts";

/** Path of one user's availability. */
export const AVAILABILITY_PATH = "/v1/users/:userId/availability";

/** Represents an availability of this age, in seconds. */
export function representAvailability(availability: Availability, ageSeconds: number) {
  return {
    // Elapsed wrap-up time does not change the version, because clients count down themselves.
    etag: `"${availability.version}"`,
    contentType: "application/json",
    body: JSON.stringify(availability),
    headers: { "Cache-Control": "private, no-cache", ...(ageSeconds > 0 && { Age: `${ageSeconds}` }) },
  } satisfies Representation;
}

/** Serves one user's availability for reading and setting. */
function createAvailabilityRoutes({ onUnauthorized }: ApiRouteOptions): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get(AVAILABILITY_PATH, async (context) => {
      const customer = context.get("customer");
      if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
      if (context.req.param("userId") === OWN_USER) return methodNotAllowedResponse(context);
      const userId = parseUserId(context.req.param("userId"));
      if (userId === undefined) return problem(400, `A user id is ${USER_ID}`);
      const request = context.req.raw;
      const { value: availability, ageSeconds } = await customer.availabilities.read(userId, request.signal);
      if (!availability) return problem(404, `No user ${userId}`);
      return conditionalResponse(request, representAvailability(availability, ageSeconds));
    })
    .put(AVAILABILITY_PATH, requireOwnUser(onUnauthorized), limitChangeSize, changeStatus)
    .all(AVAILABILITY_PATH, methodNotAllowedResponse);
}

/** An agent can set its own availability without knowing its user id, but not read it. */
function methodNotAllowedResponse({ req }: AppContext): Response {
  return methodNotAllowed(req.param("userId") === OWN_USER ? "PUT" : "GET, HEAD, PUT")();
}

/** Operation that reads one agent. */
function readOne(security: Security): OperationObject {
  return {
    operationId: "readAvailability",
    summary: "Reads one agent's availability",
    security,
    parameters: [
      USER_ID_PARAMETER,
      header("If-None-Match", "Entity tags that the client has cached.", '"1760000000000"'),
      ...TRACING,
    ],
    responses: {
      ...GUARDED,
      ...orUpstreamResponse(problemResponse(404, "No user 404404")),
      200: responseOf(
        "The agent's availability.",
        { ...HEADERS.entityTag, ...HEADERS.revalidated, ...HEADERS.age },
        json("Availability", AVAILABILITY),
      ),
      304: responseOf("The client has cached this version. Its countdown continues.", {
        ...HEADERS.entityTag,
        ...HEADERS.revalidated,
        ...HEADERS.age,
      }),
    },
  };
}

/** Availability of one user. */
export const availabilityRoute: ApiRoute = {
  create: createAvailabilityRoutes,
  describe: ({ reading, writing }) => ({
    // First, because `{userId}` would match `me` as well.
    "/v1/users/me/availability": { put: changeOwn(writing) },
    "/v1/users/{userId}/availability": { get: readOne(reading), put: changeOne(writing) },
  }),
  schemas: { StatusChange: STATUS_CHANGE_SCHEMA },
};
