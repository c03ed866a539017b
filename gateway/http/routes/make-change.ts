import * as v from "valibot";
import type { Availability } from "../../../shared/contracts/availability.ts";
import { SETTABLE_STATUSES, toSetStatus, WRITABLE_STATUSES } from "../../../shared/contracts/settable-statuses.ts";
import { toIssues } from "../../../shared/protocol/issues.ts";
import type { Caller } from "../../auth/caller.ts";
import type { StoreSetter } from "../../availability-service.ts";
import type { Customer } from "../../customer.ts";
import type { Status } from "../../store/agent.ts";
import { badRequest, problem } from "../problem.ts";
import { parseIfMatch } from "./if-match.ts";

/** Maximum length of the body of a change, in bytes. */
export const MAX_CHANGE_BYTES = 4096;

/** Statuses that clients read and statuses that the message channel writes. The two lists overlap. */
const STATUSES = [...new Set([...SETTABLE_STATUSES, ...WRITABLE_STATUSES])] as const;

/** Body of a status change. */
export const StatusChangeRequest = v.strictObject(
  { status: v.pipe(v.picklist(STATUSES, `one of ${STATUSES.join(", ")}`), v.transform(toSetStatus)) },
  "exactly { status }",
);

const StatusChangeText = v.pipe(v.string(), v.parseJson(undefined, "JSON"), StatusChangeRequest);

/** Headers that describe the body of a change. */
export interface BodyHeaders {
  readonly "content-type"?: string | undefined;
  readonly "content-encoding"?: string | undefined;
}

/** Returns a problem for a body that is not plain JSON by its headers. */
export function findMediaTypeProblem(headers: BodyHeaders): Response | undefined {
  if (!/^application\/json *(;|$)/i.test(headers["content-type"] ?? "")) {
    return problem(415, "A change must be application/json");
  }
  if (!/^identity$/i.test(headers["content-encoding"] ?? "identity")) {
    return problem(415, "A change must not have a content encoding", { "Accept-Encoding": "identity" });
  }
  return undefined;
}

/** Parses the body of a change; returns a problem for any other text. */
export function parseChangedStatus(text: string): Status | Response {
  const parsed = v.safeParse(StatusChangeText, text);
  if (parsed.success) return parsed.output.status;
  const issues = toIssues(parsed.issues);
  if (parsed.issues[0].type === "parse_json") return badRequest(400, "The body is not JSON", issues);
  return badRequest(422, "The body is not a status change", issues);
}

/** A parsed request for a change. */
export interface ChangeRequest {
  readonly customer: Customer;
  /** Subject of the caller's token. */
  readonly subject: Caller["subject"] | undefined;
  readonly userId: number;
  readonly status: Status;
  /** The `If-Match` header. */
  readonly ifMatch: string | undefined;
}

/** A change that was made, with the status of its response. */
export interface Changed {
  readonly availability: Availability;
  readonly status: 200 | 201;
}

/** Result of a requested change, for the audit. */
export interface ChangeOutcome {
  /** Status before the change, as this gateway knew it. */
  readonly from: Status | undefined;
  readonly requested: Status;
  /** The agent after the change; `undefined` if the change was rejected. */
  readonly changed: Availability | undefined;
}

/** Returns a user's status as this gateway knows it at present; `undefined` for an unknown user or outdated data. */
export function readKnownStatus({ availabilities }: Customer, userId: number): Status | undefined {
  return availabilities.getCached?.(userId)?.agent.status;
}

/**
 * Changes a user's status by `setStatus`. If no telephony system lists the customer's users, the operator creates a user
 * by setting a status. Resolves with a problem for an unknown user.
 *
 * @throws as `setStatus` and the service's `create` do.
 */
export async function makeChange(request: ChangeRequest, setStatus: StoreSetter): Promise<Changed | Response> {
  const { customer, subject, userId, status, ifMatch } = request;
  const ifVersions = parseIfMatch(ifMatch);
  const availability = await setStatus({ userId, status, ...(ifVersions && { ifVersions }) });
  if (availability) return { availability, status: 200 };
  // `If-Match` requires an existing user, even with `*`.
  const canCreate = subject === "operator" && ifMatch === undefined;
  const created = canCreate && (await customer.availabilities.create(userId, status));
  return created ? { availability: created, status: 201 } : problem(404, `No user ${userId}`);
}

/** Returns the headers of the response to a change at a path. */
export function changeHeaders(path: string, { userId, version }: Availability): Readonly<Record<string, string>> {
  return {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    // The body is the new content at the address, so clients may use the entity tag: RFC 9110 §9.3.4.
    "Content-Location": path.replace(/[^/]+(?=\/availability$)/, `${userId}`),
    ETag: `"${version}"`,
  };
}
