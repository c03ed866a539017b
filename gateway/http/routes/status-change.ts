import type { AppContext } from "../../hono-env.ts";
import { AVAILABILITY } from "../../openapi/examples.ts";
import type { OperationObject, ResponseObject } from "../../openapi/openapi-document.ts";
import { header, TRACING, USER_ID_PARAMETER } from "../../openapi/parameters.ts";
import { GUARDED, HEADERS, json, orUpstreamResponse, problemResponse, responseOf } from "../../openapi/responses.ts";
import type { NamedSchema } from "../../openapi/schemas.ts";
import { limitBody } from "../../operations/limits/limit-body.ts";
import type { UpstreamContext } from "../../upstream/upstream.ts";
import { problem } from "../problem.ts";
import type { Security } from "./api-route.ts";
import {
  type Changed,
  changeHeaders,
  findMediaTypeProblem,
  MAX_CHANGE_BYTES,
  makeChange,
  parseChangedStatus,
  readKnownStatus,
  StatusChangeRequest,
} from "./make-change.ts";
import { OWN_USER, parseUserId, USER_ID } from "./user-id.ts";

/** Rejects a body longer than any status change. Register before `changeStatus`. */
export const limitChangeSize = limitBody(MAX_CHANGE_BYTES, () =>
  problem(413, `A change has at most ${MAX_CHANGE_BYTES} bytes`, { Connection: "close" }),
);

/**
 * Changes the status of the user in the path, and responds with the new availability. If no telephony system lists the
 * customer's users, the operator creates a user by setting a status.
 */
export async function changeStatus(context: AppContext): Promise<Response> {
  const { customer } = context.var;
  if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
  const userId = readUserId(context);
  if (userId instanceof Response) return userId;
  const headers = readHeaders(context);
  const mediaTypeProblem = findMediaTypeProblem(headers);
  if (mediaTypeProblem) return mediaTypeProblem;
  const status = parseChangedStatus(await context.req.text());
  if (status instanceof Response) return status;
  const request = { customer, subject: context.var.caller?.subject, userId, status, ifMatch: headers["if-match"] };
  const outcome = { from: readKnownStatus(customer, userId), requested: status, changed: undefined };
  context.set("change", outcome);
  const upstreamContext = toUpstreamContext(context);
  const changed = await makeChange(request, (change) => customer.availabilities.setStatus(change, upstreamContext));
  if (changed instanceof Response) return changed;
  context.set("change", { ...outcome, changed: changed.availability });
  return respondWithChanged(context, changed);
}

function readHeaders({ req }: AppContext) {
  return {
    "content-type": req.header("Content-Type"),
    "content-encoding": req.header("Content-Encoding"),
    "if-match": req.header("If-Match"),
  };
}

function toUpstreamContext(context: AppContext): UpstreamContext {
  const trace = context.get("trace");
  return {
    signal: context.req.raw.signal,
    ...trace?.headers(),
  };
}

/** Reads the id of the user to change, or responds with a problem. */
function readUserId(context: AppContext): number | Response {
  const name = context.req.param("userId") ?? "";
  if (name !== OWN_USER) return parseUserId(name) ?? problem(400, `A user id is ${USER_ID}`);
  const subject = context.var.caller?.subject;
  return typeof subject === "number" ? subject : problem(404, "The operator is not an agent and has no availability");
}

function respondWithChanged(context: AppContext, { availability, status }: Changed): Response {
  return new Response(JSON.stringify(availability), { status, headers: changeHeaders(context.req.path, availability) });
}

const IF_MATCH = header(
  "If-Match",
  "Versions of which the agent must have one, as strong entity tags, or `*`.",
  '"1760000000000"',
);

const CHANGE = {
  required: true,
  content: json("StatusChange", { status: "out_for_lunch" }),
} as const;

/** Responses to a change that was not made. `notFound` is an example of a 404's detail. */
function rejectedChange(notFound: string): OperationObject["responses"] {
  return {
    ...GUARDED,
    ...orUpstreamResponse({
      ...problemResponse(404, notFound),
      ...problemResponse(412, "The user's version is 1760000000000", HEADERS.entityTag),
      ...problemResponse(413, "A change has at most 4096 bytes"),
      ...problemResponse(415, "A change must be application/json", {
        "Accept-Encoding": { description: "The accepted encoding.", schema: { const: "identity" } },
      }),
      ...problemResponse(422, "The body is not a status change"),
    }),
  };
}

/** Operation that sets one agent. */
export function changeOne(security: Security): OperationObject {
  return {
    operationId: "setAvailability",
    summary: "Sets one agent's status",
    description:
      "Needs a token with the scope `availability:write`: the agent's own, or the operator's. If no telephony system lists the agents, the operator creates an agent by setting a status, without `If-Match`.",
    security,
    parameters: [USER_ID_PARAMETER, IF_MATCH, ...TRACING],
    requestBody: CHANGE,
    responses: {
      ...rejectedChange("No user 404404"),
      200: changed("The new availability."),
      201: changed("The availability of a new agent."),
    },
  };
}

/** Operation that sets the agent in the token. */
export function changeOwn(security: Security): OperationObject {
  return {
    operationId: "setOwnAvailability",
    summary: "Sets the status of the agent in the token",
    description:
      "Needs an agent's token with the scope `availability:write`. `Content-Location` names the agent. The operator is not an agent, and gets 404.",
    security,
    parameters: [IF_MATCH, ...TRACING],
    requestBody: CHANGE,
    responses: {
      ...rejectedChange("The operator is not an agent and has no availability"),
      200: changed("The new availability."),
    },
  };
}

function changed(description: string): ResponseObject {
  const headers = {
    ...HEADERS.entityTag,
    ...HEADERS.uncached,
    "Content-Location": {
      description: "The address of the availability in the body.",
      required: true,
      schema: { type: "string" },
    },
  } as const;
  return responseOf(description, headers, json("Availability", { ...AVAILABILITY, status: "out_for_lunch" }));
}

/** Body of a status change, as the document shows it. */
export const STATUS_CHANGE_SCHEMA: NamedSchema = {
  schema: StatusChangeRequest,
  description:
    "The agent's new status. `always_opened` and `auto` mean `available`, `always_closed` means `do_not_disturb`, and `in_training` means `in_traning`. `in_call`, `on_mobile` and `offline` are set by the telephony system only.",
};
