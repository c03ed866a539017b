import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTraceContext } from "./trace-context.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const CHILD = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;

test("continues the caller's trace with a new span", () => {
  const trace = parseTraceContext(`00-${TRACE_ID}-${PARENT_ID}-01`);
  const [, traceId, spanId, flags] = CHILD.exec(trace.toChild()) ?? [];
  expect([trace.traceId, traceId, flags]).toEqual([TRACE_ID, TRACE_ID, "01"]);
  expect(spanId).not.toBe(PARENT_ID);
});

test("keeps a trace's state, but no state without a trace", () => {
  expect(parseTraceContext(`00-${TRACE_ID}-${PARENT_ID}-01`, "congo=1").state).toBe("congo=1");
  expect(parseTraceContext(undefined, "congo=1").state).toBeUndefined();
  expect(parseTraceContext("malformed", "congo=1").state).toBeUndefined();
});

test("creates a new span for each request to the upstream", () => {
  const trace = parseTraceContext(`00-${TRACE_ID}-${PARENT_ID}-00`);
  expect(trace.toChild()).not.toBe(trace.toChild());
});

test("reads the known fields of a later version", () => {
  const trace = parseTraceContext(`cc-${TRACE_ID}-${PARENT_ID}-ff-what-the-future-will-be`);
  expect(trace.toChild()).toMatch(new RegExp(`^00-${TRACE_ID}-[\\da-f]{16}-03$`));
});

test.each([
  undefined,
  "",
  "00",
  `ff-${TRACE_ID}-${PARENT_ID}-01`,
  `00-${TRACE_ID}-${PARENT_ID}-01-more`,
  `00-${TRACE_ID.toUpperCase()}-${PARENT_ID}-01`,
  `00-${"0".repeat(32)}-${PARENT_ID}-01`,
  `00-${TRACE_ID}-${"0".repeat(16)}-01`,
  `00-${TRACE_ID}-${PARENT_ID}-1`,
  `00-${TRACE_ID}-${PARENT_ID}-01\n`,
  `00-${TRACE_ID}-${PARENT_ID}-01, 00-${TRACE_ID}-${PARENT_ID}-01`,
])("creates a new, unrecorded trace for the header %j", (header) => {
  const { traceId, toChild } = parseTraceContext(header);
  expect(traceId).not.toBe(TRACE_ID);
  expect(toChild()).toMatch(new RegExp(`^00-${traceId}-[\\da-f]{16}-00$`));
});

test("creates a well-formed traceparent for any header", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (header) => {
      expect(parseTraceContext(header).toChild()).toMatch(CHILD);
    }),
  );
});
