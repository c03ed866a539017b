/**
 * Event envelope `{ type, payload?, meta? }`, and the settlement of a request.
 *
 * The checks are written by hand, without valibot, because this file runs on the customer's page, where every byte counts.
 */
import { cloneJson } from "./json.ts";
import { BridgeRejectionError, invalidRequestError } from "./rejection.ts";

/** Maximum length of `meta.id`, in characters. */
export const MAX_ID_LENGTH = 64;

/** Maximum timeout of a request, in milliseconds. */
export const MAX_TIMEOUT_MS = 120_000;

/** Timeout of a request without `meta.timeoutMs`, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** Maximum number of in-flight requests on one connection, for each side. */
export const MAX_IN_FLIGHT = 1_024;

/** Metadata of a request. Every key is optional; unknown keys are ignored. */
export interface RequestMeta {
  /** Id of the request, 1 to 64 characters: echoed in the settlement, and the target of `BUS.CANCEL`. */
  readonly id?: string;
  /** Timeout of the widget's whole work on the request, in milliseconds, 1 to 120,000. @default 10000 */
  readonly timeoutMs?: number;
  /** W3C trace context, forwarded to the backend. The widget ignores a malformed value. */
  readonly traceparent?: string;
  /** In `BUS.REGISTER`: false if the page has no token. The widget then asks for none before its first call. */
  readonly hasToken?: boolean;
  /** In `BUS.REGISTER`: theme, brand colour and language of the page, for the widget to show, such as `dark #7a1fa2&de`. */
  readonly look?: string;
}

/** Metadata of a settlement. */
export interface SettlementMeta {
  /** The request's own `meta.id`. */
  readonly id?: string;
  /** Side that rejected the request: the backend, with its body as `payload.error`, or the bridge. Only on a rejection. */
  readonly source?: "backend" | "bridge";
  /** HTTP status of the backend. Only if the backend responded with an error. */
  readonly status?: number;
}

/** Any event of the bus. */
export interface Envelope {
  /** `SERVICE.NAME`; a request settles as `SERVICE.NAME_FULFILLED` or `SERVICE.NAME_REJECTED`. */
  readonly type: string;
  readonly payload?: unknown;
  readonly meta?: RequestMeta | SettlementMeta;
}

/** An event with a checked envelope. The contract checks the payload later. */
export interface ParsedEvent extends Envelope {
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
    /** The backend's body unchanged, or a `BridgeRejection`, depending on `meta.source`. */
    readonly error: unknown;
  };
  readonly meta: SettlementMeta & { readonly source: "backend" | "bridge" };
}

/** The one settlement of a request. */
export type Settlement<Type extends string = string, Payload = unknown> = Fulfilled<Type, Payload> | Rejected<Type>;

/** The type and id of an unchecked event: enough to build its settlement. */
export interface RequestRef {
  readonly type: string;
  readonly id?: string | undefined;
}

/** Reads the type and the id of any value. Never throws. */
export function readRequestRef(event: unknown): RequestRef {
  try {
    const { type, meta } = event as Partial<Envelope>;
    if (typeof type === "string") return { type, id: isId(meta?.id) ? meta.id : undefined };
  } catch {
    // Null and an object with a throwing getter have no readable type.
  }
  return { type: "BUS.INVALID_EVENT" };
}

/**
 * Checks an event's envelope and returns a private copy.
 *
 * @throws {BridgeRejectionError} `INVALID_REQUEST`, with the field and the expectation.
 */
export function parseEvent(event: unknown): ParsedEvent {
  const copy = copyEvent(event);
  if (!isRecord(copy)) throw invalidRequestError("", "an object");
  const { type, payload, meta } = copy;
  if (typeof type !== "string") throw invalidRequestError("type", "a string");
  // Key by key, here and below: spreading optional keys costs more than the check itself.
  const checked: Writable<ParsedEvent> = { type };
  if (payload !== undefined) checked.payload = payload;
  if (meta !== undefined) checked.meta = parseMeta(meta);
  return checked;
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

function copyEvent(event: unknown): unknown {
  try {
    return cloneJson(event);
  } catch (error) {
    // Any other error comes from a proxy's trap: an unreadable event cannot be sent.
    throw error instanceof BridgeRejectionError ? error : invalidRequestError("", "what can be read");
  }
}

function parseMeta(meta: unknown): RequestMeta {
  if (!isRecord(meta)) throw invalidRequestError("meta", "an object");
  const { id, timeoutMs, traceparent, hasToken, look } = meta;
  if (id !== undefined && !isId(id)) {
    throw invalidRequestError("meta.id", `a string of 1 to ${MAX_ID_LENGTH} characters`);
  }
  const checkedMeta: Writable<RequestMeta> = {};
  if (id) checkedMeta.id = id;
  if (timeoutMs !== undefined) checkedMeta.timeoutMs = parseTimeout(timeoutMs, "meta.timeoutMs");
  if (typeof traceparent === "string") checkedMeta.traceparent = traceparent;
  if (hasToken === false) checkedMeta.hasToken = hasToken;
  if (typeof look === "string") checkedMeta.look = look;
  return checkedMeta;
}

/**
 * Checks a request's timeout: whole milliseconds from 1 to 120,000.
 *
 * @throws {BridgeRejectionError} `INVALID_REQUEST`, with the field's path.
 */
export function parseTimeout(value: unknown, path: string): number {
  if (typeof value === "number" && value % 1 === 0 && value >= 1 && value <= MAX_TIMEOUT_MS) return value;
  throw invalidRequestError(path, `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}`);
}

/** Creates the settlement of a request that succeeded. */
export function toFulfilled({ type, id }: RequestRef, payload: unknown): Fulfilled {
  return { type: `${type}_FULFILLED`, payload, ...(id && { meta: { id } }) };
}

/** Creates the rejection of a request by the bridge. Any other error than a `BridgeRejectionError` is a defect, and its text stays here. */
export function toRejected({ type, id }: RequestRef, reason: unknown): Rejected {
  const { rejection } =
    reason instanceof BridgeRejectionError ? reason : new BridgeRejectionError("INTERNAL", "A defect of the bridge");
  return { type: `${type}_REJECTED`, payload: { error: rejection }, meta: { ...(id && { id }), source: "bridge" } };
}

/** Checks that a value has the form of a settlement of this request, with the request's id. */
export function isSettlementOf({ type, id }: RequestRef, value: unknown): value is Settlement {
  if (!isRecord(value) || !isRecord(value["meta"]) || value["meta"]["id"] !== id) return false;
  const { type: actualType, payload, meta } = value;
  if (actualType !== `${type}_REJECTED`) return actualType === `${type}_FULFILLED`;
  // The backend's error may be any JSON; the bridge's error is an object.
  return isRecord(payload) && "error" in payload && (meta["source"] === "backend" || isRecord(payload["error"]));
}

/** Checks for a rejection. The suffix is the wire's own mark of a rejection: a settlement has no other type. */
export function isRejected(settlement: Settlement): settlement is Rejected {
  return settlement.type.endsWith("_REJECTED");
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= MAX_ID_LENGTH;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
