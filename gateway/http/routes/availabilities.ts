import { Hono } from "hono";
import * as v from "valibot";
import { Availability, ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { CustomerSnapshot, ManyResult } from "../../availability-service.ts";
import type { Customer } from "../../customer.ts";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import { AVAILABILITY } from "../../openapi/examples.ts";
import type { OperationObject } from "../../openapi/openapi-document.ts";
import { header, TRACING, userIdsParameter } from "../../openapi/parameters.ts";
import { GUARDED, HEADERS, json, responseOf } from "../../openapi/responses.ts";
import { matchesEtag } from "../conditional-response.ts";
import { badRequest, methodNotAllowed, ProblemDocument, problem, toProblemDocument } from "../problem.ts";
import type { SharedLists } from "../shared-lists.ts";
import type { ApiRoute, ApiRouteOptions, Security } from "./api-route.ts";
import { acceptsGzip, compressFor } from "./compression.ts";
import { parseUserIds } from "./user-ids.ts";

/** Path of the list of availabilities. */
export const LIST_PATH = "/v1/availabilities";

/** Maximum number of users in one request. */
export const MAX_USER_IDS = 500;

const UserIdText = v.pipe(v.string(), v.regex(/^[1-9]\d{0,15}$/));

/**
 * Availabilities by user id, and a problem for each requested user without an availability, with the times of the last
 * changes, and the cursor at which a stream of the same users continues.
 */
const AvailabilityList = v.strictObject({
  availabilities: v.record(UserIdText, Availability),
  errors: v.record(UserIdText, ProblemDocument),
  updatedAt: v.record(UserIdText, ChangedAvailability.entries.updatedAt),
  cursor: v.string(),
});
type AvailabilityList = v.InferOutput<typeof AvailabilityList>;

/** Serves the availabilities of several users, or of all. */
function createAvailabilitiesRoutes({ lists }: ApiRouteOptions): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get(LIST_PATH, (context) => respondWithList(context, lists))
    .all(LIST_PATH, methodNotAllowed("GET, HEAD"));
}

async function respondWithList(context: AppContext, lists: SharedLists): Promise<Response> {
  const { customer } = context.var;
  if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
  const requested = parseUserIds(new URL(context.req.url).searchParams, MAX_USER_IDS);
  if ("issues" in requested) return badRequest(400, requested.detail, requested.issues);
  return requested.userIds === "all"
    ? respondWithAll(context, customer, lists)
    : respondWithMany(context, customer, requested.userIds);
}

async function respondWithMany(
  context: AppContext,
  { availabilities }: Customer,
  userIds: readonly number[],
): Promise<Response> {
  const selection = await availabilities.readMany(userIds, context.req.raw.signal);
  context.get("countFormatted")?.(userIds.length);
  return respondWithJson(context, toListOf(userIds, selection), cachingHeaders(selection.ageSeconds));
}

async function respondWithAll(
  context: AppContext,
  { id, availabilities }: Customer,
  lists: SharedLists,
): Promise<Response> {
  const reading = await availabilities.readAll(context.req.raw.signal);
  const hasTag = reading.unreadable.length === 0;
  if (hasTag && matchesEtag(context.req.header("If-None-Match"), toListTag(reading.cursor))) {
    return new Response(null, { status: 304, headers: listHeaders(reading.ageSeconds, reading.cursor) });
  }
  const { body, isCompressed, cursor } = await lists.read(id, reading, {
    acceptsGzip: acceptsGzip(context.req.header("Accept-Encoding")),
    onFormatted: context.get("countFormatted") ?? (() => {}),
  });
  const rejected = context.get("countList")?.(body.length);
  if (rejected) return rejected;
  const headers = {
    "Content-Type": "application/json",
    ...listHeaders(reading.ageSeconds, hasTag ? cursor : undefined),
    ...(isCompressed && { "Content-Encoding": "gzip" }),
  };
  return new Response(body, { headers });
}

/** Builds the headers of a list of all agents with this age, and with the tag of this cursor. */
export function listHeaders(ageSeconds: number, cursor: string | undefined): Readonly<Record<string, string>> {
  return {
    ...cachingHeaders(ageSeconds),
    // Elapsed wrap-up time does not change the tag, because clients count down themselves. So the tag is weak.
    ...(cursor !== undefined && { ETag: `W/${toListTag(cursor)}` }),
    Vary: "Accept-Encoding",
  };
}

/** Builds the entity tag of the list at a cursor. No change announces unreadable agents: a list with some has no tag. */
export function toListTag(cursor: string): string {
  return `"${cursor}"`;
}

function cachingHeaders(ageSeconds: number): Readonly<Record<string, string>> {
  return { "Cache-Control": "private, no-cache", ...(ageSeconds > 0 && { Age: `${ageSeconds}` }) };
}

async function respondWithJson(
  context: AppContext,
  list: AvailabilityList,
  caching: Readonly<Record<string, string>>,
): Promise<Response> {
  const text = new TextEncoder().encode(JSON.stringify(list));
  const { body, headers } = await compressFor(context.req.header("Accept-Encoding"), text);
  const rejected = context.get("countList")?.(body.length);
  if (rejected) return rejected;
  return new Response(body, { headers: { "Content-Type": "application/json", ...caching, ...headers } });
}

function toListOf(
  userIds: readonly number[],
  { value, unreadable }: Pick<ManyResult, "value" | "unreadable">,
): AvailabilityList {
  const list = toList(value);
  const missing = userIds.filter((userId) => !Object.hasOwn(list.availabilities, userId));
  const errors = missing.map((userId) => [
    userId,
    unreadable.includes(userId)
      ? toProblemDocument(503, "The availabilities cannot be reached")
      : describeMissingUser(userId),
  ]);
  return { ...list, errors: Object.fromEntries(errors) };
}

/** Describes that a requested user does not exist. */
export function describeMissingUser(userId: number): ProblemDocument {
  return toProblemDocument(404, `No user ${userId}`);
}

function toList({ cursor, list }: CustomerSnapshot): AvailabilityList {
  const availabilities: Record<string, Availability> = {};
  const updatedAt: Record<string, number> = {};
  for (const { updatedAt: changedMs, ...availability } of list()) {
    availabilities[availability.userId] = availability;
    updatedAt[availability.userId] = changedMs;
  }
  return { availabilities, errors: {}, updatedAt, cursor };
}

const LIST_HEADERS = {
  ...HEADERS.entityTagOfAll,
  ...HEADERS.revalidated,
  ...HEADERS.age,
  Vary: {
    description: "A long list is compressed if the client accepts gzip.",
    required: true,
    schema: { const: "Accept-Encoding" },
  },
} as const;

/** Operation that reads several agents, or all. */
function readMany(security: Security): OperationObject {
  return {
    operationId: "readAvailabilities",
    summary: "Reads many agents' availabilities, or all",
    security,
    parameters: [
      userIdsParameter(
        "The agents to read; repeated ids are read once. Without it, all agents that the token allows.",
        MAX_USER_IDS,
      ),
      header("If-None-Match", "Entity tags of lists of all agents that the client has cached.", 'W/"5f0c9a-17"'),
      ...TRACING,
    ],
    responses: {
      ...GUARDED,
      200: responseOf(
        "The availabilities of the agents that exist, and a problem for each other agent that was requested or cannot be read, with the time of each last change, in milliseconds since 1970, and the cursor at which a stream of the same agents continues.",
        {
          ...LIST_HEADERS,
          "Content-Encoding": { description: "The compression.", schema: { const: "gzip" } },
        },
        json("AvailabilityList", {
          availabilities: { 123: AVAILABILITY },
          errors: { 9: { type: "about:blank", title: "Not Found", status: 404, detail: "No user 9" } },
          updatedAt: { 123: AVAILABILITY.version },
          cursor: "5f0c9a-17",
        }),
      ),
      304: responseOf("The client has cached this list. Its countdowns continue.", LIST_HEADERS),
    },
  };
}

/** Availabilities of many users, or of all. */
export const availabilitiesRoute: ApiRoute = {
  create: createAvailabilitiesRoutes,
  describe: ({ reading }) => ({ [LIST_PATH]: { get: readMany(reading) } }),
  schemas: {
    AvailabilityList: {
      schema: AvailabilityList,
      description: "Availabilities by user id, and a problem for each requested agent without one.",
    },
  },
};
