import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import type { Availability } from "../../../shared/contracts/availability.ts";
import { SETTABLE_STATUSES, WRITTEN_WORDS } from "../../../shared/contracts/read-availability.ts";
import { toIssues } from "../../../shared/protocol/issues.ts";
import type { AppContext } from "../../hono-env.ts";
import type { Status } from "../../store/agent.ts";
import type { UpstreamContext } from "../../upstream/upstream.ts";
import { badRequest, problem } from "../problem.ts";
import { parseIfMatch } from "./if-match.ts";
import { OWN_USER, parseUserId, USER_ID } from "./user-id.ts";

const MAX_BODY_BYTES = 4096;

/** Both sides' words: those that a reader gets, and those that the bus writes. Some are the same. */
const WORDS = [...new Set([...SETTABLE_STATUSES, ...WRITTEN_WORDS])] as const;

/** What a user is to be. */
export const StatusChangeRequest = v.strictObject(
  { status: v.pipe(v.picklist(WORDS, `one of ${WORDS.join(", ")}`), v.transform(toStatus)) },
  "exactly { status }",
);

function toStatus(word: (typeof WORDS)[number]): Status {
  switch (word) {
    case "always_opened":
    case "auto":
      return "available";
    case "always_closed":
      return "do_not_disturb";
    case "in_training":
      return "in_traning";
    default:
      return word;
  }
}

const StatusChangeText = v.pipe(v.string(), v.parseJson(undefined, "JSON"), StatusChangeRequest);

/** Refuses a body that is longer than any change. Register it before `changeStatus`. */
export const limitBody = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => problem(413, `A change has ${MAX_BODY_BYTES} bytes at the most`, { Connection: "close" }),
});

/**
 * Changes the status of the user whom the path names, and answers the availability that comes of it. Where no telephony
 * system says who there is, the customer's operator makes a user known by it.
 */
export async function changeStatus(context: AppContext): Promise<Response> {
  const { customer } = context.var;
  if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
  const userId = readUserId(context);
  if (userId instanceof Response) return userId;
  const status = await readStatus(context);
  if (status instanceof Response) return status;
  const ifVersions = parseIfMatch(context.req.header("If-Match"));
  const change = { userId, status, ...(ifVersions && { ifVersions }) };
  const scope = toScope(context);
  const availability = await customer.availabilities.setStatus(change, scope);
  if (availability) return answerChanged(context, availability, 200);
  // Whoever names a version, be it any, means a user who is known.
  const mayIntroduce = context.var.caller?.subject === "operator" && context.req.header("If-Match") === undefined;
  const introduced = mayIntroduce && (await customer.availabilities.introduce(userId, status));
  return introduced ? answerChanged(context, introduced, 201) : problem(404, `No user ${userId}`);
}

function toScope(context: AppContext): UpstreamContext {
  const trace = context.get("trace");
  return {
    signal: context.req.raw.signal,
    ...(trace && { traceparent: trace.toChild() }),
    ...(trace?.state !== undefined && { tracestate: trace.state }),
  };
}

/** Whose status is to change. */
function readUserId(context: AppContext): number | Response {
  const name = context.req.param("userId") ?? "";
  if (name !== OWN_USER) return parseUserId(name) ?? problem(400, `A user id is ${USER_ID}`);
  const subject = context.var.caller?.subject;
  return typeof subject === "number" ? subject : problem(404, "The operator is no agent and has no availability");
}

function answerChanged(context: AppContext, availability: Availability, status: 200 | 201): Response {
  return new Response(JSON.stringify(availability), {
    status,
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      // The body stands for what is at the address from now on, so that its entity tag may be used: RFC 9110 §9.3.4.
      "Content-Location": context.req.path.replace(/[^/]+(?=\/availability$)/, `${availability.userId}`),
      ETag: `"${availability.version}"`,
    },
  });
}

async function readStatus({ req }: AppContext): Promise<Status | Response> {
  if (!/^application\/json *(;|$)/i.test(req.header("Content-Type") ?? "")) {
    return problem(415, "A change is written as application/json");
  }
  if (!/^identity$/i.test(req.header("Content-Encoding") ?? "identity")) {
    return problem(415, "A change is sent without a content encoding", { "Accept-Encoding": "identity" });
  }
  const parsed = v.safeParse(StatusChangeText, await req.text());
  if (parsed.success) return parsed.output.status;
  const issues = toIssues(parsed.issues);
  if (parsed.issues[0].type === "parse_json") return badRequest(400, "The body is no JSON", issues);
  return badRequest(422, "The body is no change of a status", issues);
}
