import { expect, onTestFinished, test, vi } from "vitest";
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { createPendingRequest } from "./pending-request.ts";

/** Creates a request with a clock that never fires, and returns the clock's pending timers. */
function setUp() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const alarms = new Set<object>();
  const clock: TimerQueue = {
    schedule() {
      const alarm = {};
      alarms.add(alarm);
      return () => void alarms.delete(alarm);
    },
    clear() {},
  };
  const request = createPendingRequest(
    { type: "TEST.ASK", meta: { id: "1", timeoutMs: 1_000 } },
    { clock, handshakeTimeoutMs: 500, unavailable: "nobody there", post: () => new Promise(() => {}) },
    () => {},
  );
  return { request, alarms };
}

// A pending timer would keep the request and an unused connector from being garbage-collected.
test.each<[string, readonly ("enqueue" | "send")[]]>([
  ["is sent", ["send"]],
  ["waits", ["enqueue"]],
  ["waits again after it was sent", ["enqueue", "send", "enqueue"]],
])("cancels every timer of a request that is settled while it %s", (_what, turns) => {
  const { request, alarms } = setUp();
  for (const turn of turns) request[turn]();
  request.reject(new BridgeRejectionError("ABORTED", "Not wanted any more"));
  expect(alarms.size).toBe(0);
});

test("cancels the handshake timer when the request is sent", () => {
  const { request, alarms } = setUp();
  request.enqueue();
  request.send();
  // The timer of the request's timeout remains.
  expect(alarms.size).toBe(1);
});
