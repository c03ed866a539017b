/**
 * The event that travels: `{ type, payload?, meta? }`, and how a request becomes its settlement.
 *
 * Written by hand, without valibot, because it runs on the host's page, where penpal is the only run-time dependency.
 */
import { describeIssue, type Issue, NotJsonError, toJson } from "./json.ts";
import { BackendRefusal, type BridgeRejection, Refusal, toBridgeRejection } from "./rejection.ts";

/** Longest `meta.id`, in characters. */
export const MAX_ID_LENGTH = 64;

/** Longest life that a request may ask for, in milliseconds. */
export const MAX_TIMEOUT_MS = 120_000;

/** A request's life where nobody says otherwise, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** Requests that may be in flight on one connection, on either side of it. */
export const MAX_IN_FLIGHT = 1_024;

/** What stands beside a request's payload. All of it is optional; keys that are unknown here are ignored. */
export interface RequestMeta {
  /** Names the request: echoed on its settlement, and what `BUS.CANCEL` refers to. 1 to 64 characters. */
  readonly id?: string;
  /** Bounds the widget's whole work on the request, in milliseconds, 1 to 120,000. @default 10000 */
  readonly timeoutMs?: number;
  /** Reserved for W3C trace context. */
  readonly traceparent?: string;
}

/** What stands beside a settlement's payload. */
export interface SettlementMeta {
  /** The request's own `meta.id`. */
  readonly id?: string;
  /** Who rejected: the backend, whose body is then `payload.error`, or the bridge. Only on a rejection. */
  readonly source?: "backend" | "bridge";
  /** The backend's HTTP status. Only where it answered. */
  readonly status?: number;
}

/** Any event of the bus. */
export interface Envelope {
  /** `SERVICE.NAME`; a request settles as `SERVICE.NAME_FULFILLED` or `SERVICE.NAME_REJECTED`. */
  readonly type: string;
  readonly payload?: unknown;
  readonly meta?: RequestMeta | SettlementMeta;
}

/** An event whose envelope has been checked. Its payload has not: that is the contract's to do. */
export interface CheckedEvent extends Envelope {
  readonly meta?: RequestMeta;
}

/** The settlement of a request that succeeded. */
export interface Fulfilled<Type extends string = string, Payload = unknown> {
  readonly type: `${Type}_FULFILLED`;
  readonly payload: Payload;
  readonly meta?: SettlementMeta;
}

/** The settlement of a request that failed. */
export interface Rejected<Type extends string = string> {
  readonly type: `${Type}_REJECTED`;
  readonly payload: {
    /** The backend's body as it is, or a `BridgeRejection`: `meta.source` tells which. */
    readonly error: unknown;
  };
  readonly meta: SettlementMeta & { readonly source: "backend" | "bridge" };
}

/** A request's one answer. */
export type Settlement<Type extends string = string, Payload = unknown> = Fulfilled<Type, Payload> | Rejected<Type>;

/** What can be told of an event that has not been checked: enough to address its settlement. */
export interface Asked {
  readonly type: string;
  readonly id?: string;
}

/** The name under which something that is no event at all is rejected. */
const NO_EVENT = "BUS.INVALID_EVENT";

/** Reads the type and the id of what may be anything at all. Runs no getter and never throws. */
export function peek(event: unknown): Asked {
  const type = ownValue(event, "type");
  if (typeof type !== "string") return { type: NO_EVENT };
  const id = ownValue(ownValue(event, "meta"), "id");
  return isId(id) ? { type, id } : { type };
}

/**
 * Checks an event's envelope and returns a copy that nobody else holds.
 *
 * @throws {Refusal} `INVALID_REQUEST`, with the field and what was expected of it.
 */
export function readEvent(event: unknown): CheckedEvent {
  const { type, payload, meta } = readRecord(event);
  if (typeof type !== "string") throw invalidRequest([{ path: "type", expected: "a string" }]);
  return {
    type,
    ...(payload === undefined ? {} : { payload }),
    ...(meta === undefined ? {} : { meta: readMeta(meta) }),
  };
}

/** Rejects a request for what is wrong with it. */
export function invalidRequest(issues: readonly Issue[], options?: ErrorOptions): Refusal {
  return new Refusal("INVALID_REQUEST", issues.map(describeIssue).join("; "), { ...options, issues });
}

/** The settlement of a request that succeeded. */
export function fulfilled({ type, id }: Asked, payload: unknown): Fulfilled {
  return { type: `${type}_FULFILLED`, payload, ...(id === undefined ? {} : { meta: { id } }) };
}

/** The settlement of a request that failed, from whatever was thrown. */
export function rejected({ type, id }: Asked, reason: unknown): Rejected {
  const echo = id === undefined ? {} : { id };
  if (reason instanceof BackendRefusal) {
    const { body, status } = reason;
    return { type: `${type}_REJECTED`, payload: { error: body }, meta: { ...echo, source: "backend", status } };
  }
  const error: BridgeRejection = toBridgeRejection(
    reason instanceof Refusal ? reason : new Refusal("INTERNAL", `${type} failed for a reason of the bridge's own`),
  );
  return { type: `${type}_REJECTED`, payload: { error }, meta: { ...echo, source: "bridge" } };
}

/** Whether a value has the form of an answer to a request of this type. */
export function isSettlementOf(type: string, value: unknown): value is Settlement {
  const given = ownValue(value, "type");
  if (given === `${type}_FULFILLED`) return true;
  if (given !== `${type}_REJECTED`) return false;
  const payload = ownValue(value, "payload");
  return typeof payload === "object" && payload !== null && "error" in payload;
}

/** Whether a settlement is a rejection. */
export function isRejected(settlement: Settlement): settlement is Rejected {
  return settlement.type.endsWith("_REJECTED");
}

function readRecord(event: unknown): Record<string, unknown> {
  try {
    const copy: unknown = toJson(event);
    if (isRecord(copy)) return copy;
  } catch (cause) {
    if (cause instanceof NotJsonError) throw invalidRequest([cause.issue], { cause });
    // A proxy's trap threw: what cannot be read cannot be sent.
    throw invalidRequest([{ path: "", expected: "a value that can be read" }], { cause });
  }
  throw invalidRequest([{ path: "", expected: "an object with a type" }]);
}

function readMeta(meta: unknown): RequestMeta {
  if (!isRecord(meta)) throw invalidRequest([{ path: "meta", expected: "an object" }]);
  const { id, timeoutMs, traceparent } = meta;
  const issues: Issue[] = [];
  if (id !== undefined && !isId(id)) {
    issues.push({ path: "meta.id", expected: `a string of 1 to ${MAX_ID_LENGTH} characters` });
  }
  if (timeoutMs !== undefined && !isTimeout(timeoutMs)) {
    issues.push({ path: "meta.timeoutMs", expected: `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}` });
  }
  if (issues.length > 0) throw invalidRequest(issues);
  return {
    ...(isId(id) && { id }),
    ...(isTimeout(timeoutMs) && { timeoutMs }),
    ...(typeof traceparent === "string" && { traceparent }),
  };
}

/** Whether a value can be a request's life: whole milliseconds from 1 to 120,000. */
export function isTimeout(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TIMEOUT_MS;
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= MAX_ID_LENGTH;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own data property of what may be anything at all. Accessors, and proxies whose traps throw, count as absent. */
function ownValue(target: unknown, key: string): unknown {
  if (!isRecord(target)) return undefined;
  try {
    return Object.getOwnPropertyDescriptor(target, key)?.value;
  } catch {
    return undefined;
  }
}
