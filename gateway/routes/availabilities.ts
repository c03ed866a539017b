import { Hono } from "hono";
import * as v from "valibot";
import { Availability } from "../../shared/contracts/availability.ts";
import type { GatewayContext, GatewayEnvironment } from "../environment.ts";
import { badRequest, methodNotAllowed, ProblemDocument, problem, toProblemDocument } from "../problem.ts";
import { compressFor } from "./compression.ts";
import { readUserIds } from "./user-ids.ts";

const PATH = "/v1/availabilities";

const UserIdText = v.pipe(v.string(), v.regex(/^[1-9]\d{0,15}$/));

/** Many users' availabilities by user id, and why there is none of the others that were asked for. */
export const AvailabilityList = v.strictObject({
  availabilities: v.record(UserIdText, Availability),
  errors: v.record(UserIdText, ProblemDocument),
});
type AvailabilityList = v.InferOutput<typeof AvailabilityList>;

/** Serves the availabilities of many users at once, or of all. */
export function createAvailabilitiesRoutes(): Hono<GatewayEnvironment> {
  return new Hono<GatewayEnvironment>().get(PATH, answerList).all(PATH, methodNotAllowed("GET, HEAD"));
}

async function answerList(context: GatewayContext): Promise<Response> {
  const { customer } = context.var;
  if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
  const asked = readUserIds(new URL(context.req.url).searchParams);
  if ("issues" in asked) return badRequest(400, asked.detail, asked.issues);
  const { userIds } = asked;
  const { value, ageSeconds } = await customer.availabilities.readMany(userIds, context.req.raw.signal);
  const list = new TextEncoder().encode(JSON.stringify(toList(userIds, value)));
  const { body, headers } = await compressFor(context.req.header("Accept-Encoding"), list);
  return new Response(body, {
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "private, no-cache",
      ...headers,
      ...(ageSeconds > 0 && { Age: `${ageSeconds}` }),
    },
  });
}

function toList(userIds: readonly number[] | "all", found: readonly Availability[]): AvailabilityList {
  const availabilities = Object.fromEntries(found.map((availability) => [availability.userId, availability]));
  if (userIds === "all") return { availabilities, errors: {} };
  const missing = userIds.filter((userId) => !Object.hasOwn(availabilities, userId));
  const errors = missing.map((userId) => [userId, toProblemDocument(404, `No user ${userId}`)]);
  return { availabilities, errors: Object.fromEntries(errors) };
}
