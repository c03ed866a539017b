import { randomBytes } from "node:crypto";
import { parseTraceState } from "./trace-state.ts";

/** Trace of a request, by W3C Trace Context. */
export interface TraceContext {
  /** 32 hexadecimal digits, equal in the logs of every service along the way. */
  readonly traceId: string;
  /** Creates a `traceparent` for a request to the upstream: the same trace with a new span. */
  toChild(): string;
  /** The `tracestate` to forward with the `traceparent`. */
  readonly state: string | undefined;
}

/** `version-traceId-parentId-flags`; a later version may append fields. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(-.*)?$/;

/** Flags "sampled" and "random trace id". Unknown flags are not forwarded. */
const KNOWN_FLAGS = 0b11;

/**
 * Parses a `traceparent` header with its `tracestate`. A missing or malformed header gives a new trace, unrecorded and
 * without state.
 *
 * @see {@link https://www.w3.org/TR/trace-context/#traceparent-header} for the format.
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

/** Random bytes to read at once, because the call to the system takes longer than the rest. */
const POOL_BYTES = 4096;

const DIGITS = 32;

let pool = "";
let used = 0;

/** Returns 32 random digits, never the same twice. */
function randomHex(): string {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES).toString("hex");
    used = 0;
  }
  used += DIGITS;
  return pool.slice(used - DIGITS, used);
}
