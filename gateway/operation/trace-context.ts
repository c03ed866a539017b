import { randomBytes } from "node:crypto";

/** The trace that a request belongs to, as W3C Trace Context has it. */
export interface TraceContext {
  /** 32 hexadecimal digits, the same in every log along the way. */
  readonly traceId: string;
  /** A `traceparent` for what is asked of others on behalf of the request: the same trace, a span of its own. */
  toChild(): string;
}

/** `version-traceId-parentId-flags`; a later version may say more after that. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(-.*)?$/;

/** The caller records the trace, and may have made its id at random. All other flags are for whoever set them. */
const KNOWN_FLAGS = 0b11;

/**
 * The trace that a `traceparent` header names. A new one, which nobody has asked to record, where there is no header or it is malformed.
 *
 * @see {@link https://www.w3.org/TR/trace-context/#traceparent-header} for the form.
 */
export function readTraceContext(header: string | undefined): TraceContext {
  const [, version, traceId, flags = "", more] = (header !== undefined && TRACEPARENT.exec(header)) || [];
  if (!traceId || (version === "00" && more !== undefined)) return createTraceContext(randomHex(), 0);
  return createTraceContext(traceId, Number.parseInt(flags, 16) & KNOWN_FLAGS);
}

function createTraceContext(traceId: string, flags: number): TraceContext {
  return {
    traceId,
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
