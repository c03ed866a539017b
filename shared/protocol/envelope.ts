/**
 * The event that travels: `{ type, payload?, meta? }`, and how a request becomes its settlement.
 *
 * Written by hand, without valibot, because it runs on the host's page, where there is no run-time dependency and every byte counts.
 */
import { toJson } from "./json.ts";
import { invalidRequest, Refusal } from "./rejection.ts";

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
  /** W3C trace context, which goes along to the backend. The widget ignores a malformed one. */
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
  readonly id?: string | undefined;
}

/** Reads the type and the id of what may be anything at all. Never throws. */
export function peek(event: unknown): Asked {
  try {
    const { type, meta } = event as Partial<Envelope>;
    if (typeof type === "string") return { type, id: isId(meta?.id) ? meta.id : undefined };
  } catch {
    // Neither null nor what a hostile getter guards can be addressed by its own name.
  }
  return { type: "BUS.INVALID_EVENT" };
}

/**
 * Checks an event's envelope and returns a copy that nobody else holds.
 *
 * @throws {Refusal} `INVALID_REQUEST`, with the field and what was expected of it.
 */
export function readEvent(event: unknown): CheckedEvent {
  const copy = copyEvent(event);
  if (!isRecord(copy)) throw invalidRequest("", "an object");
  const { type, payload, meta } = copy;
  if (typeof type !== "string") throw invalidRequest("type", "a string");
  // Key by key, here and below: spreading what may be absent costs more than the check itself.
  const checked: Writable<CheckedEvent> = { type };
  if (payload !== undefined) checked.payload = payload;
  if (meta !== undefined) checked.meta = readMeta(meta);
  return checked;
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

function copyEvent(event: unknown): unknown {
  try {
    return toJson(event);
  } catch (error) {
    // Anything else is what a proxy's trap threw: what cannot be read cannot be sent.
    throw error instanceof Refusal ? error : invalidRequest("", "what can be read");
  }
}

function readMeta(meta: unknown): RequestMeta {
  if (!isRecord(meta)) throw invalidRequest("meta", "an object");
  const { id, timeoutMs, traceparent } = meta;
  if (id !== undefined && !isId(id)) {
    throw invalidRequest("meta.id", `a string of 1 to ${MAX_ID_LENGTH} characters`);
  }
  const read: Writable<RequestMeta> = {};
  if (id) read.id = id;
  if (timeoutMs !== undefined) read.timeoutMs = readTimeout(timeoutMs, "meta.timeoutMs");
  if (typeof traceparent === "string") read.traceparent = traceparent;
  return read;
}

/**
 * Reads a request's life: whole milliseconds from 1 to 120,000.
 *
 * @throws {Refusal} `INVALID_REQUEST`, naming the field by its path.
 */
export function readTimeout(value: unknown, path: string): number {
  if (typeof value === "number" && value % 1 === 0 && value >= 1 && value <= MAX_TIMEOUT_MS) return value;
  throw invalidRequest(path, `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}`);
}

/** The settlement of a request that succeeded. */
export function fulfilled({ type, id }: Asked, payload: unknown): Fulfilled {
  return { type: `${type}_FULFILLED`, payload, ...(id && { meta: { id } }) };
}

/** The settlement of a request that the bridge rejects. What is no refusal is a defect, and its text stays here. */
export function refused({ type, id }: Asked, reason: unknown): Rejected {
  const { rejection } = reason instanceof Refusal ? reason : new Refusal("INTERNAL", "A defect of the bridge");
  return { type: `${type}_REJECTED`, payload: { error: rejection }, meta: { ...(id && { id }), source: "bridge" } };
}

/** Whether a value has the form of an answer to this request and names it. */
export function isSettlementOf({ type, id }: Asked, value: unknown): value is Settlement {
  if (!isRecord(value) || !isRecord(value["meta"]) || value["meta"]["id"] !== id) return false;
  const { type: given, payload, meta } = value;
  if (given === `${type}_FULFILLED`) return true;
  if (given !== `${type}_REJECTED` || !isRecord(payload) || !("error" in payload)) return false;
  // The backend's own error may be any JSON; the bridge's has a form.
  return meta["source"] === "backend" || isRecord(payload["error"]);
}

/** Whether a settlement is a rejection. */
export function isRejected(settlement: Settlement): settlement is Rejected {
  return settlement.type.endsWith("_REJECTED");
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= MAX_ID_LENGTH;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
