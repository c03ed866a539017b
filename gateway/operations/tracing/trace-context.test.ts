import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTraceHeaders, parseTraceHeaders, readTraceContext } from "./trace-context.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;
const WELL_FORMED = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-0[0-3]$/;

test("hands the caller's trace on", () => {
  const trace = readTraceContext({ traceparent: TRACEPARENT, tracestate: "congo=1" });
  expect(trace.traceId).toBe(TRACE_ID);
  expect(trace.headers()).toEqual({ traceparent: TRACEPARENT, tracestate: "congo=1" });
});

test("hands no state on without a trace", () => {
  expect(readTraceContext({ tracestate: "congo=1" }).headers()).not.toHaveProperty("tracestate");
  expect(readTraceContext({ traceparent: "malformed", tracestate: "congo=1" }).headers()).not.toHaveProperty(
    "tracestate",
  );
});

test("reads the known fields of a later version, and hands no unknown flag on", () => {
  const trace = readTraceContext({ traceparent: `cc-${TRACE_ID}-${PARENT_ID}-ff-what-the-future-will-be` });
  expect(trace.headers()).toEqual({ traceparent: `00-${TRACE_ID}-${PARENT_ID}-03` });
});

test.each([
  undefined,
  "",
  "00",
  `ff-${TRACE_ID}-${PARENT_ID}-01`,
  `${TRACEPARENT}-more`,
  `00-${TRACE_ID.toUpperCase()}-${PARENT_ID}-01`,
  `00-${"0".repeat(32)}-${PARENT_ID}-01`,
  `00-${TRACE_ID}-${"0".repeat(16)}-01`,
  `00-${TRACE_ID}-${PARENT_ID}-1`,
  `${TRACEPARENT}, ${TRACEPARENT}`,
])("creates a new trace, which is not sampled, for the header %j", (traceparent) => {
  const trace = readTraceContext({ traceparent });
  expect(trace.traceId).not.toBe(TRACE_ID);
  expect(trace.headers().traceparent).toMatch(new RegExp(`^00-${trace.traceId}-[\\da-f]{16}-00$`));
});

test("creates another trace for each request", () => {
  const ids = Array.from({ length: 100 }, () => readTraceContext({}).traceId);
  expect(new Set(ids).size).toBe(100);
});

test("writes a well-formed traceparent for any header", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (traceparent, tracestate) => {
      const headers = readTraceContext({ traceparent, tracestate }).headers();
      expect(headers.traceparent).toMatch(WELL_FORMED);
    }),
  );
});

test("writes a state for any header that a receiver accepts: printable, at most 512 characters and 32 members", () => {
  const member = fc.stringMatching(/^[a-z@=*/_ ,\t0-9-]{0,60}$/);
  fc.assert(
    fc.property(fc.array(member, { maxLength: 50 }), (members) => {
      const { tracestate = "a=1" } = readTraceContext({
        traceparent: TRACEPARENT,
        tracestate: members.join(),
      }).headers();
      expect(tracestate).toMatch(/^[\x20-\x7e]{1,512}$/);
      expect(tracestate.split(",").length).toBeLessThanOrEqual(32);
    }),
  );
});

test.each([
  ["congo=t61rcWkgMzE", "congo=t61rcWkgMzE"],
  ["rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE,,", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"],
  ["fw529a3039@dt=FfffffffB;x:y", "fw529a3039@dt=FfffffffB;x:y"],
  ["congo", undefined],
  ["=1", undefined],
  ["a=é", undefined],
  [" , ", undefined],
])("hands of the state %j on: %j", (tracestate, expected) => {
  expect(readTraceContext({ traceparent: TRACEPARENT, tracestate }).headers().tracestate).toBe(expected);
});

test("reads and writes the same span", () => {
  const context = parseTraceHeaders({ traceparent: TRACEPARENT });
  expect(context).toMatchObject({ traceId: TRACE_ID, spanId: PARENT_ID, traceFlags: 1, isRemote: true });
  expect(context && formatTraceHeaders(context)).toEqual({ traceparent: TRACEPARENT });
});
