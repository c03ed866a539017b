/**
 * Copies of events for exports and logs. A copy keeps the fields of a list, if the value has the form in the list. Every other field is left out
 * with the name, because a name may be a value. Agents and requests get numbers in order of appearance.
 */
import { AVAILABILITY_STATES, UNAVAILABLE_REASONS } from "../../shared/contracts/read-availability.ts";
import { WRITABLE_STATUSES } from "../../shared/contracts/settable-statuses.ts";
import { REJECTION_CODES } from "../../shared/protocol/rejection.ts";
import type { AnnouncementType, RequestType } from "../event-types.ts";

/** Makes copies of events without tokens and personal data. The same agent has the same number in all copies of one redactor. */
export interface Redactor {
  /** Returns the copy of an event, of any value. Never throws for JSON. */
  redactEvent(event: unknown): unknown;
  /** Returns the type of an event, or `UNKNOWN.EVENT` if this release does not know the type. */
  redactType(type: string): string;
  /** Returns the name of a request, such as `r1`. */
  redactId(id: string): string;
}

/** Types of events that have no secret in their name. */
const TYPES: Readonly<Record<RequestType | AnnouncementType, true>> = {
  "API.CHANGE_WATCHED_USERS": true,
  "API.FETCH_AVAILABILITIES": true,
  "API.FETCH_USER_AVAILABILITY": true,
  "API.UPDATE_AVAILABILITY": true,
  "API.WATCH_AVAILABILITIES": true,
  "AUTH.REFRESH_TOKEN": true,
  "AUTH.SESSION_EXPIRED": true,
  "BUS.CANCEL": true,
  "BUS.DESTROY": true,
  "BUS.INIT": true,
  "BUS.PING": true,
  "BUS.REGISTER": true,
  "BUS.STATS": true,
  "HOST.RESIZE": true,
  "LIVE.STATE_CHANGED": true,
  "USER.AVAILABILITY_CHANGED": true,
  "USER.AVAILABILITY_REMOVED": true,
  "USER.TEAMMATE_AVAILABILITY_CHANGED": true,
};

const UNKNOWN_TYPE = "UNKNOWN.EVENT";

const STATUSES: ReadonlySet<unknown> = new Set([...AVAILABILITY_STATES, ...UNAVAILABLE_REASONS, ...WRITABLE_STATUSES]);

/** Returns the copy of a field's value; `undefined` leaves the field out. */
type Rule = (value: unknown) => unknown;

/** Creates a redactor, which has seen no agent and no request yet. */
export function createRedactor(): Redactor {
  const agents = new Map<unknown, number>();
  const requests = new Map<unknown, number>();

  const redactAgent: Rule = (value) => (isUserId(value) ? numberOf(agents, value) : undefined);
  const redactId = (id: string): string => `r${numberOf(requests, id)}`;
  const redactType = (type: string): string => {
    const known = Object.hasOwn(TYPES, type.replace(/_(?:FULFILLED|REJECTED)$/, ""));
    return known ? type : UNKNOWN_TYPE;
  };

  const keepNumber: Rule = (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
  const keepBoolean: Rule = (value) => (typeof value === "boolean" ? value : undefined);
  const keepType: Rule = (value) => (typeof value === "string" ? redactType(value) : undefined);
  const keepOneOf =
    (...values: readonly unknown[]): Rule =>
    (value) =>
      values.includes(value) ? value : undefined;
  const keepEach =
    (rule: Rule): Rule =>
    (value) =>
      Array.isArray(value) ? value.map(rule).filter((item) => item !== undefined) : undefined;

  const redactObject: Rule = (value) => {
    if (Array.isArray(value) || typeof value !== "object" || value === null) return undefined;
    const kept: [string, unknown][] = [];
    for (const [key, field] of Object.entries(value)) {
      const rule = rules.get(key);
      // Maps of availabilities have the agent's id as the key.
      const copy = rule ? rule(field) : isUserId(Number(key)) ? redactObject(field) : undefined;
      if (copy !== undefined) kept.push([rule ? key : `${numberOf(agents, Number(key))}`, copy]);
    }
    return Object.fromEntries(kept);
  };

  const keepStatus: Rule = (value) => (STATUSES.has(value) ? value : keepNumber(value));
  // A path has names of the contract's fields, and keys that the page has written.
  const keepPath: Rule = (value) =>
    typeof value === "string" && value.split(".").every((key) => rules.has(key)) ? value : undefined;

  const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
    ...each(["payload", "meta", "variables", "error", "traits"], redactObject),
    ...each(["issues"], keepEach(redactObject)),
    ["path", keepPath],
    ["type", keepType],
    ["userId", redactAgent],
    ...each(["userIds", "added", "removed"], keepEach(redactAgent)),
    ["id", (value) => (typeof value === "string" ? redactId(value) : undefined)],
    ["status", keepStatus],
    ["state", keepOneOf("live", "stale")],
    ["source", keepOneOf("backend", "bridge")],
    ["code", keepOneOf(...Object.keys(REJECTION_CODES))],
    ["services", keepEach(keepOneOf("USER"))],
    ...each(["events", "idempotent", "availabilities"], keepEach(keepType)),
    ...each(["retryable", "cancelled", "isUnreadable", "hasToken"], keepBoolean),
    ...each(["version", "updatedAt", "wrapUpTimeConfig", "wrapUpTimeTtl"], keepNumber),
    ...each(["timeoutMs", "ageMs", "protocol", "width", "height"], keepNumber),
    ...each(["calls", "coalesced", "retries", "streams", "bytes"], keepNumber),
  ]);

  return { redactEvent: redactObject, redactType, redactId };
}

function each(names: readonly string[], rule: Rule): readonly [string, Rule][] {
  return names.map((name) => [name, rule]);
}

function numberOf(numbers: Map<unknown, number>, value: unknown): number {
  const number = numbers.get(value) ?? numbers.size + 1;
  numbers.set(value, number);
  return number;
}

function isUserId(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
