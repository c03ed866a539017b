import { Hono } from "hono";
import * as v from "valibot";
import { Availability, ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { CustomerSnapshot, ManyResult } from "../../availability-service.ts";
import type { Customer } from "../../customer.ts";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import { matchesEtag } from "../conditional-response.ts";
import { badRequest, methodNotAllowed, ProblemDocument, problem, toProblemDocument } from "../problem.ts";
import { compressFor } from "./compression.ts";
import { parseUserIds } from "./user-ids.ts";

const PATH = "/v1/availabilities";

const UserIdText = v.pipe(v.string(), v.regex(/^[1-9]\d{0,15}$/));

/**
 * Availabilities by user id, and a problem for each requested user without an availability. A list of every user also
 * has the times of the last changes, and the cursor at which the stream continues.
 */
export const AvailabilityList = v.strictObject({
  availabilities: v.record(UserIdText, Availability),
  errors: v.record(UserIdText, ProblemDocument),
  updatedAt: v.exactOptional(v.record(UserIdText, ChangedAvailability.entries.updatedAt)),
  cursor: v.exactOptional(v.string()),
});
type AvailabilityList = v.InferOutput<typeof AvailabilityList>;

/** Serves the availabilities of several users, or of all. */
export function createAvailabilitiesRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().get(PATH, respondWithList).all(PATH, methodNotAllowed("GET, HEAD"));
}

async function respondWithList(context: AppContext): Promise<Response> {
  const { customer } = context.var;
  if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
  const requested = parseUserIds(new URL(context.req.url).searchParams);
  if ("issues" in requested) return badRequest(400, requested.detail, requested.issues);
  return requested.userIds === "all"
    ? respondWithAll(context, customer)
    : respondWithMany(context, customer, requested.userIds);
}

async function respondWithMany(
  context: AppContext,
  { availabilities }: Customer,
  userIds: readonly number[],
): Promise<Response> {
  const selection = await availabilities.readMany(userIds, context.req.raw.signal);
  return respondWithJson(context, toList(userIds, selection), cachingHeaders(selection.ageSeconds));
}

async function respondWithAll(context: AppContext, { availabilities }: Customer): Promise<Response> {
  const { value, ageSeconds } = await availabilities.readAll(context.req.raw.signal);
  // Elapsed wrap-up time does not change the tag, because clients count down themselves. So the tag is weak.
  const tag = `"${value.cursor}"`;
  const headers = { ...cachingHeaders(ageSeconds), ETag: `W/${tag}` };
  if (!matchesEtag(context.req.header("If-None-Match"), tag))
    return respondWithJson(context, toListOfAll(value), headers);
  return new Response(null, { status: 304, headers: { ...headers, Vary: "Accept-Encoding" } });
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
  return new Response(body, { headers: { "Content-Type": "application/json", ...caching, ...headers } });
}

function toList(userIds: readonly number[], { value, unreadable }: ManyResult): AvailabilityList {
  const availabilities = Object.fromEntries(value.map((availability) => [availability.userId, availability]));
  const missing = userIds.filter((userId) => !Object.hasOwn(availabilities, userId));
  const errors = missing.map((userId) => [
    userId,
    unreadable.includes(userId)
      ? toProblemDocument(503, "The availabilities cannot be reached")
      : toProblemDocument(404, `No user ${userId}`),
  ]);
  return { availabilities, errors: Object.fromEntries(errors) };
}

function toListOfAll({ cursor, list }: CustomerSnapshot): AvailabilityList {
  const availabilities: Record<string, Availability> = {};
  const updatedAt: Record<string, number> = {};
  for (const { updatedAt: changedMs, ...availability } of list()) {
    availabilities[availability.userId] = availability;
    updatedAt[availability.userId] = changedMs;
  }
  return { availabilities, errors: {}, updatedAt, cursor };
}
