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
 * Many users' availabilities by user id, and why there is none of the others that were asked for. A list of all says besides
 * when each last changed, and where the stream goes on from it.
 */
export const AvailabilityList = v.strictObject({
  availabilities: v.record(UserIdText, Availability),
  errors: v.record(UserIdText, ProblemDocument),
  updatedAt: v.exactOptional(v.record(UserIdText, ChangedAvailability.entries.updatedAt)),
  cursor: v.exactOptional(v.string()),
});
type AvailabilityList = v.InferOutput<typeof AvailabilityList>;

/** Serves the availabilities of many users at once, or of all. */
export function createAvailabilitiesRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>().get(PATH, answerList).all(PATH, methodNotAllowed("GET, HEAD"));
}

async function answerList(context: AppContext): Promise<Response> {
  const { customer } = context.var;
  if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
  const asked = parseUserIds(new URL(context.req.url).searchParams);
  if ("issues" in asked) return badRequest(400, asked.detail, asked.issues);
  return asked.userIds === "all" ? answerAll(context, customer) : answerSome(context, customer, asked.userIds);
}

async function answerSome(
  context: AppContext,
  { availabilities }: Customer,
  userIds: readonly number[],
): Promise<Response> {
  const selection = await availabilities.readMany(userIds, context.req.raw.signal);
  return answerJson(context, toList(userIds, selection), cachingHeaders(selection.ageSeconds));
}

async function answerAll(context: AppContext, { availabilities }: Customer): Promise<Response> {
  const { value, ageSeconds } = await availabilities.readAll(context.req.raw.signal);
  // Wrap-up time that has run down leaves the tag as it is, which is why it is weak: a reader counts down by itself.
  const tag = `"${value.cursor}"`;
  const headers = { ...cachingHeaders(ageSeconds), ETag: `W/${tag}` };
  if (!matchesEtag(context.req.header("If-None-Match"), tag)) return answerJson(context, toListOfAll(value), headers);
  return new Response(null, { status: 304, headers: { ...headers, Vary: "Accept-Encoding" } });
}

function cachingHeaders(ageSeconds: number): Readonly<Record<string, string>> {
  return { "Cache-Control": "private, no-cache", ...(ageSeconds > 0 && { Age: `${ageSeconds}` }) };
}

async function answerJson(
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
