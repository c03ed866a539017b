import { expect, test } from "vitest";
import type { UnauthorizedCall } from "../../auth/authorize.ts";
import { createRejectionLog } from "./rejection-log.ts";

const CALL: UnauthorizedCall = {
  customer: "acme",
  requestId: "r1",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  kind: "missing",
  reason: "the request has no Authorization header",
};

function setUp() {
  const lines: [string, unknown][] = [];
  let nowMs = 0;
  const log = { warning: (text: string, context?: unknown) => void lines.push([text, context]) };
  const report = createRejectionLog({ log, clock: { monotonicMs: () => nowMs, wallMs: () => nowMs } });
  return {
    lines,
    report,
    advance(ms: number) {
      nowMs += ms;
    },
  };
}

test("logs a rejected request with its customer and the ids of its own line", () => {
  const { lines, report } = setUp();
  report(CALL);
  const { customer, requestId, traceId } = CALL;
  expect(lines).toEqual([[`Request rejected: ${CALL.reason}`, { customer, requestId, traceId }]]);
});

test("logs ten lines of a flood a minute, and then how many it has left out", () => {
  const { lines, report, advance } = setUp();
  for (let count = 0; count < 1_000; count += 1) report(CALL);
  expect(lines).toHaveLength(10);
  advance(60_000);
  report(CALL);
  report(CALL);
  expect(lines.slice(10).map(([text]) => text)).toEqual([
    `Request rejected: ${CALL.reason} (and 990 more like it before, without lines)`,
    `Request rejected: ${CALL.reason}`,
  ]);
});

test("a flood hides neither another kind of reason nor another customer", () => {
  const { lines, report } = setUp();
  for (let count = 0; count < 100; count += 1) report(CALL);
  report({ ...CALL, kind: "scope", reason: "the token does not have the scope availability:write" });
  report({ ...CALL, customer: "globex" });
  report({ ...CALL, customer: undefined });
  expect(lines).toHaveLength(13);
});

test("all unknown customers together get the lines of one, because anyone can invent their ids", () => {
  const { lines, report } = setUp();
  for (let count = 0; count < 100; count += 1) report({ ...CALL, customer: undefined });
  expect(lines).toHaveLength(10);
});
