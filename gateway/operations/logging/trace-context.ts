import { randomBytes } from "node:crypto";
import { parseTraceState } from "./trace-state.ts";

/** The trace that a request belongs to, as W3C Trace Context has it. */
export interface TraceContext {
  /** 32 hexadecimal digits, the same in every log along the way. */
  readonly traceId: string;
  /** A `traceparent` for what is asked of others on behalf of the request: the same trace, a span of its own. */
  toChild(): string;
  /** The `tracestate` that goes along with it: what those before the gateway have to say of the trace to those behind it. */
  readonly state: string | undefined;
}

/** `version-traceId-parentId-flags`; a later version may say more after that. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(-.*)?$/;

/** The caller records the trace, and may have made its id at random. All other flags are for whoever set them. */
const KNOWN_FLAGS = 0b11;

/**
 * The trace that a `traceparent` header names, with the `tracestate` beside it. A new one, which nobody has asked to record
 * and of which nobody has anything to say, where there is no `traceparent` or it is malformed.
 *
 * @see {@link https://www.w3.org/TR/trace-context/#traceparent-header} for the form.
 */
export function parseTraceContext(header: string | undefined, state?: string): TraceContext {
  const [, version, traceId, flags = "", more] = (header !== undefined && TRACEPARENT.exec(header)) || [];
  if (!traceId || (version === "00" && more !== undefined)) return createTraceContext(randomHex(), 0, undefined);
  return createTraceContext(traceId, Number.parseInt(flags, 16) & KNOWN_FLAGS, parseTraceState(state));
}

function createTraceContext(traceId: string, flags: number, state: string | undefined): TraceContext {
  return {
    traceId,
    state,
    toChild: () => `00-${traceId}-${randomHex().slice(-16)}-0${flags}`,
  };
}

/** So many bytes are asked of the system at once, where asking takes longer than all the rest. */
const STOCK_BYTES = 4096;

const DIGITS = 32;

let stock = "";
let used = 0;

/** 32 digits, no one of which is handed out twice. */
function randomHex(): string {
  if (used === stock.length) {
    stock = randomBytes(STOCK_BYTES).toString("hex");
    used = 0;
  }
  used += DIGITS;
  return stock.slice(used - DIGITS, used);
}
